// What a person does at the playhead: label, correct, accept, move on.
import { isFound } from './finding.js'
import {
  attempt, commit, labels, loadUncertain, named, open, predictions, say, show, state, interval,
  isPoints, nextPlace, noteOf, tiers, time, change,
} from './state.js'
import * as list from './shared/labels.js'
import { atEnd, play, seek } from './shared/player.js'

/** Where something ends that ends here: after the last frame on the last one. */
const here = () => {
  const { frame, recording } = state
  return frame === recording.frames - 1 ? recording.frames : frame
}

// Labelling

/** The key of a class. */
export function press(label, tier = state.tier) {
  if (isPoints(tier)) return point(label, tier)
  if (tier !== state.tier) Object.assign(state, { tier, selection: null })
  const { selection, filling, running, frame } = state
  if (filling) return fill(label)
  if (selection) {
    const { start, end, segment } = selection
    if (!segment) state.selection = null
    const words = `${named(label, selection.tier)} ${interval(start, end)}`
    const note = segment ? list.at(labels(selection.tier), start)?.[3] : null
    const edit = list.paint(labels(selection.tier), start, end, label, note)
    return commit(edit, words, selection.tier)
  }
  const run = running[tier]
  if (run) finish(run)
  if (run?.label === label) return
  running[tier] = { label, start: frame }
  if (!run) say(`${named(label)} begins at ${time(frame)}`)
  change()
}

/** A moment of a class; others may be at the same frame, or the same again is taken back. */
function point(label, tier) {
  const { frame } = state
  if (label < 0) return say('a moment has a class')
  const there = labels(tier).filter(([start]) => start === frame)
  const others = there.filter(([, , other]) => other !== label)
  const segments = there.length > others.length ? others : [...there, [frame, frame + 1, label]]
  const words = segments === others ? 'taken back' : 'marked'
  commit({ start: frame, end: frame + 1, segments }, `${named(label, tier)} ${words} at ${time(frame)}`, tier)
}

function finish({ label, start }, tier = state.tier) {
  delete state.running[tier]
  const end = here()
  if (end <= start) return say(`${named(label)} not labelled: it would end before its start`)
  const edit = list.paint(labels(tier), start, end, label)
  commit(edit, `${named(label, tier)} ${interval(start, end)}`, tier)
}

/** What runs ends where the recording does. */
function finishAll() {
  for (const [tier, run] of Object.entries(state.running)) finish(run, +tier)
}
atEnd(finishAll)

export function startFilling() {
  state.filling = !state.filling
  change()
}

function fill(label) {
  state.filling = false
  const { selection, recording } = state
  const [start, end] = selection ? [selection.start, selection.end] : [0, recording.frames]
  const edit = list.fill(labels(), start, end, label)
  if (!edit) return say('there is no gap to fill')
  commit(edit, `gaps ${interval(start, end)} filled with ${named(label)}`)
}

export function select() {
  const found = segmentHere()
  if (!found) {
    const guess = list.at(predictions(), state.frame)
    if (!guess && isPoints()) return say('there is no label here')
    const [start, end] = guess ?? list.at(gaps(), state.frame)
    const words = guess ? `predicted ${named(guess[2])}` : 'gap'
    state.selection = { tier: state.tier, start, end, segment: false }
    return say(`marked ${words} ${interval(start, end)}; a class key labels it`)
  }
  state.selection = { ...found, segment: true }
  say(`selected ${named(labelHere()[2])} ${interval(found.start, found.end)}`)
}

// Correcting

export function remove() {
  const { selection } = state
  const found = selection ?? segmentHere()
  if (!found) return say('nothing is selected: there is no label here')
  state.selection = null
  const { start, end, tier } = found
  commit(list.erase(start, end), `labels ${interval(start, end)} deleted`, tier)
}

const labelHere = () => list.at(labels(), state.frame)

function segmentHere() {
  const found = labelHere()
  return found && { tier: state.tier, start: found[0], end: found[1] }
}

const isMoment = () => isPoints() && (say('a moment has no boundaries'), true)

export function split() {
  if (isMoment()) return
  const edit = list.split(labels(), state.frame)
  state.selection = null
  if (edit) commit(edit, `split at ${time(state.frame)}`)
  else say('there is nothing to split here')
}

export function merge() {
  if (isMoment()) return
  const edit = list.merge(labels(), state.selection?.start ?? state.frame)
  if (!edit) return say('there is no next segment to merge with')
  const { start, end, segments, lost } = edit
  state.selection = { tier: state.tier, start, end, segment: true }
  const words = lost ? `; “${noteOf(lost)}” of the second is left out` : ''
  commit(edit, `merged: ${named(segments[0][2])} ${interval(start, end)}${words}`)
}

/** Moves a boundary to a frame, with it that of a segment that touches. */
export function moveBoundary(from, to) {
  const edit = list.move(labels(), from, to, state.recording.frames)
  if (edit.to !== to) return say(`it can be moved to ${time(edit.to)}, and no further`)
  commit(edit, `boundary from ${time(from)} to ${time(to)}`)
}

export function moveMoment(moment, to) {
  const last = state.recording.frames - 1
  if (to > last) return say(`it can be moved to ${time(last)}, and no further`)
  const [from, , label, ...note] = moment
  const [start, end] = [Math.min(from, to), Math.max(from, to) + 1]
  const others = labels().filter((one) => one !== moment && one[0] >= start && one[0] < end)
  const segments = [...others, [to, to + 1, label, ...note]].sort((a, b) => a[0] - b[0])
  commit({ start, end, segments }, `${named(label)} from ${time(from)} to ${time(to)}`)
}

const boundaryHere = () => state.loop?.boundary ?? list.nearest(labels(), state.frame)

export function nudge(by) {
  if (isMoment()) return
  const boundary = boundaryHere()
  const edit =
    boundary !== null && list.move(labels(), boundary, boundary + by, state.recording.frames)
  if (!edit) return say('there is no boundary to move')
  if (edit.to === boundary) return say('the boundary cannot move further')
  commit(edit, `boundary at ${time(edit.to)}, frame ${edit.to}`)
  if (state.loop) state.loop = around(edit.to)
  else seek(edit.to)
}

function around(boundary) {
  const { fps, frames } = state.recording
  const [start, end] = [boundary - fps, boundary + fps].map(Math.round)
  return { boundary, start: Math.max(0, start), end: Math.min(frames - 1, end) }
}

export function loop() {
  const boundary = boundaryHere()
  if (state.loop || boundary === null) {
    say(state.loop ? 'loop off' : 'there is no boundary to loop around')
    state.loop = null
    return
  }
  state.loop = around(boundary)
  say(`loop ${interval(state.loop.start, state.loop.end)}`)
  seek(state.loop.start)
  play()
}

// Marking

export function markIn() {
  state.selection = null
  state.mark = state.frame
  say(`interval begins at ${time(state.frame)}; O ends it`)
}

export function markOut() {
  const [start, end] = [state.mark ?? 0, here()]
  state.mark = null
  if (end <= start) return say('the interval would end before its start')
  state.selection = { tier: state.tier, start, end, segment: false }
  say(`marked ${interval(start, end)}; press a class key`)
}

// Moving

export const step = (frames) => seek(state.frame + frames)
export const second = (sign) => step(sign * Math.max(1, Math.round(state.recording.fps)))

export function boundary(direction) {
  const found = [labels(), predictions()]
    .map((each) => list.neighbour(each, state.frame, direction))
    .filter((each) => each !== null)
  if (!found.length) return say('there are no more boundaries')
  seek(direction > 0 ? Math.min(...found) : Math.max(...found))
}

const gaps = () => list.gaps(labels(), 0, state.recording.frames)

/** The next interval without label in a direction (1 or -1); behind the last, the first. */
export function gap(direction) {
  if (isPoints()) return say('moments leave no gaps')
  const all = gaps()
  if (!all.length) return say('all of this recording is labelled; N: the next one')
  const beyond = ([start]) => (start - state.frame) * direction > 0
  const [start, end] =
    direction > 0 ? (all.find(beyond) ?? all[0]) : (all.findLast(beyond) ?? all.at(-1))
  seek(start)
  say(`no label ${interval(start, end)}; G marks it`)
}

export function chooseTier(by) {
  const tier = Math.max(0, Math.min(state.tier + by, tiers().length - 1))
  if (tier === state.tier) return
  Object.assign(state, { tier, selection: null })
  say(`tier ${tiers()[tier].name}`)
}

export function recording(by) {
  const all = state.project.recordings
  const now = all.findIndex((r) => r.id === state.recording.id)
  const next = by > 0 ? all.slice(now + 1).find(isFound) : all.slice(0, now).findLast(isFound)
  if (here() === state.recording.frames) finishAll()
  if (next) attempt(() => open(next.id))
  else say(`no ${by > 0 ? 'later' : 'earlier'} recording is listed`)
}

// Uncertain segments and predictions

export const nextUncertain = (by) =>
  attempt(async () => {
    await loadUncertain()
    const { uncertain, unsure } = state
    if (!uncertain.length) return say('no uncertain segment is left: train again, or export the labels')
    const place = nextPlace(uncertain, unsure, by, ['recording', 'start'])
    const next = uncertain[place]
    if (next.recording !== state.recording.id) await open(next.recording, next.start)
    state.unsure = { ...next, place }
    state.selection = null
    seek(list.gaps(labels(), next.start, next.end)[0]?.[0] ?? next.start)
    show(next.start, next.end)
    say(`uncertain segment ${place + 1} of ${uncertain.length}, ${interval(next.start, next.end)}: ${next.reason}`)
  })

/**
 * Accepts the predicted segment at the playhead, in an uncertain interval what lies in
 * it, and goes to the next one.
 */
export function accept() {
  const guess = list.at(predictions(), state.frame)
  if (!guess) return say('there is no prediction here')
  const { unsure, frame, recording } = state
  const within = unsure && frame >= unsure.start && frame < unsure.end
  const label = guess[2]
  const start = within ? Math.max(guess[0], unsure.start) : guess[0]
  const end = within ? Math.min(guess[1], unsure.end) : guess[1]
  const edit = list.accept(labels(), [guess], start, end)
  const words = `${named(label)} ${interval(start, end)}`
  if (edit) commit(edit, `accepted ${words}`)
  const limit = within ? unsure.end : recording.frames
  const free = (one) => list.gaps(labels(), one[0], one[1]).length
  const all = predictions()
  let next = list.after(all, end)
  while (all[next] && all[next][0] < limit && !free(all[next])) next++
  const more = all[next]?.[0] < limit
  if (more) seek(all[next][0])
  if (!edit) say(`${words} is labelled already`)
  else if (within && !more) say(`accepted ${words}; Tab: the next uncertain segment`)
}

/** Accepts all predictions of the marked interval, or of the uncertain segment in all tiers. */
export function acceptInterval() {
  const { selection, unsure } = state
  const found = selection ?? unsure
  if (!found) return say('mark an interval first, or go to an uncertain segment with Tab')
  acceptWithin(found, `accepted all ${interval(found.start, found.end)}`)
}

/** Accepts what has at least a confidence, of the marked interval or else of the recording. */
export function acceptAbove(percent) {
  const found = state.selection ?? { start: 0, end: state.recording.frames }
  const words = `accepted what is predicted with at least ${percent} %`
  // As it is rounded where it is said.
  acceptWithin(found, words, (score) => Math.round(100 * score) >= percent)
}

/** Accepts predictions of an interval, in all tiers unless it is marked in one. */
function acceptWithin({ start, end }, words, isSure = () => true) {
  const { selection } = state
  let some = false
  for (const tier of selection ? [selection.tier] : tiers().keys()) {
    const sure = predictions(tier).filter((one) => isSure(one[3]))
    const edit = list.accept(labels(tier), sure, start, end)
    if (edit) commit(edit, words, tier)
    some ||= edit
  }
  if (!some) say('there is nothing to accept that is not labelled')
  state.selection = null
}

/** Gives up what was begun, the last first; says whether there was anything. */
export function cancel() {
  const { running, tier } = state
  const key = running[tier] ? tier : Object.keys(running)[0]
  if (state.help) state.help = false
  else if (state.filling) state.filling = false
  else if (key !== undefined) {
    say(`${named(running[key].label, key)} cancelled`)
    delete running[key]
  } else if (state.mark !== null || state.selection) state.mark = state.selection = null
  else if (state.loop) state.loop = null
  else if (state.unsure) state.unsure = null
  else return false
  change()
  return true
}
