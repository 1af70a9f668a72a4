// What a page shows of recordings, in one object, and how it is named.
import { gaps } from './labels.js'

export const state = {
  project: null, // what all recordings have in common: tiers with their classes
  recording: null, // the open one, with its labels, predictions, ...
  tier: 0,
  frame: 0,
  playing: false,
  speed: 1,
  loop: null, // {start, end, boundary}
  view: { start: 0, end: 1 }, // the frames that the timeline shows
  selection: null, // {tier, start, end, segment: is it one?}
  preview: null, // {tier, edit} of a boundary that is dragged
  turns: null, // frames at which motion changes, while a boundary is dragged
  mark: null, // where an interval begins whose end isn't set yet
  running: {}, // by tier: {label, start} of the segment being labelled
  unsure: null, // {start, end, reason, place}
  said: '',
  alert: null,
}

/** What a page adds; one that only shows adds no more than `poses`. */
export const hooks = {
  poses: null, // (id, start, end) => a promise of x, y, confidence of each joint, flat
  commit: null, // takes an edit of a tier's labels, if they can be edited
  visit: null, // ({who, tier}, frame) goes to another individual
  select: null, // selects the segment at the playhead
  keyOf: () => '', // the key of a class, as it is shown
  theirs: () => null, // labels, by tier, that are drawn below to be compared
  disputed: () => null, // {tier, start, end} of the disagreement that is shown
}

const watchers = new Set()
let due = 0

/** Calls back once for all changes of a picture; `whole` unless only the frame moved. */
export const watch = (callback) => watchers.add(callback)

let whole = false
export function change(all = true) {
  whole ||= all
  due ||= requestAnimationFrame(() => {
    const all = whole
    due = whole = 0
    for (const callback of watchers) callback(all)
  })
}

export function say(sentence) {
  state.said = sentence
  change()
}

export function complain(error) {
  // Names of files are as they are.
  state.alert = error.message.replace(/^[a-z]+(?= )/, (word) => word[0].toUpperCase() + word.slice(1))
  change()
}

/** Runs something that may fail; says so if it does. */
export const attempt = (work) => work().catch(complain)

// Names and times

export const tiers = () => state.project.tiers
export const classes = (tier = state.tier) => tiers()[tier].classes
export const isPoints = (tier = state.tier) => tiers()[tier]?.kind === 'points'
export const classOf = (label, tier = state.tier) =>
  classes(tier).find(({ id }) => id === label)
export const named = (label, tier = state.tier) =>
  label === -1 ? 'no label' : (classOf(label, tier)?.name ?? `class ${label}`)

export const noteOf = (note) => note.filter(Boolean).join('; ')
export const labels = (tier = state.tier) => state.recording.labels[tier] ?? [] // a new tier has none
export const predictions = (tier = state.tier) => state.recording.predictions?.[tier] ?? []

/** The intervals of a tier from which the model has learnt. */
export const seen = (tier = state.tier) => state.recording.seen[tier] ?? []

export function clock(seconds, digits = 1) {
  const tenths = Math.round(seconds * 10 ** digits)
  const whole = Math.floor(tenths / 10 ** digits)
  const two = (number) => String(number).padStart(2, '0')
  const [h, m] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const rest = digits ? '.' + String(tenths % 10 ** digits).padStart(digits, '0') : ''
  return (h ? `${h}:${two(m)}` : m) + `:${two(whole % 60)}${rest}`
}
export const time = (frame) => clock(frame / state.recording.fps, 2)
export const interval = (start, end) => `from ${time(start)} to ${time(end)}`

/** The uncertain segments of the open recording that are still unlabelled somewhere. */
export const openUncertain = () =>
  state.recording.uncertain.filter(([start, end]) => {
    const states = state.recording.labels.filter((_, tier) => !isPoints(tier))
    const free = states.flatMap((list) => gaps(list, start, end))
    return free.reduce((sum, [a, b]) => sum + b - a, 0) > 0.02 * (end - start)
  })

// The visible part

export function look(start, end) {
  const { frames } = state.recording
  const width = Math.min(frames, Math.max(20, end - start))
  start = Math.max(0, Math.min(start, frames - width))
  state.view = { start, end: start + width }
  change(false)
}

export const pan = (by) => look(state.view.start + by, state.view.end + by)

export function zoom(factor, around = state.frame) {
  const { start, end } = state.view
  if (around < start || around > end) around = (start + end) / 2
  const width = Math.max(20, (end - start) * factor)
  const before = ((around - start) / (end - start)) * width
  look(around - before, around - before + width)
}

/** Shows an interval with its surroundings. */
export function show(start, end) {
  const margin = Math.max(end - start, 3 * state.recording.fps)
  look(start - margin, end + margin)
}

/** Turns the page of the timeline when the playhead leaves it. */
export function follow() {
  const { start, end } = state.view
  const width = end - start
  if (state.frame > end - width * 0.02) look(state.frame - width * 0.1, state.frame + width * 0.9)
  else if (state.frame < start) look(state.frame - width * 0.9, state.frame + width * 0.1)
}
