// What the page knows, in one object, and how it gets there and back to the server.
import { Outbox, get, place, post } from './api.js'
import { apply } from './shared/labels.js'
import {
  attempt, change, complain, interval, labels, look, named, say, show, state, tiers,
} from './shared/view.js'

export * from './shared/view.js'

Object.assign(state, {
  version: null, // of the predictions, as the server counts them
  left: null, // {seconds, at} of the job, and when the server said so
  uncertain: [], // over all recordings, best first
  find: { name: '', list: 'all' }, // which recordings are listed
  filling: false, // the next class key fills the gaps
  news: { recordings: [], labels: [] }, // what has appeared in the folder
  comparison: null, // with another observer: as the server gives it
  disputed: null, // the disagreement that is shown, and its place among those to settle
  places: null, // of all recordings, as the server gives them
  drawn: 0, // changes of places since the last one of labels
  undrawn: 0, // those of them that are undone
  help: false,
})

const SETTLED = { mine: 'mine kept', theirs: 'theirs taken', undecided: 'left undecided' }

/** What a step of the history has changed, in words. */
export function changeOf({ tier, before, after, settled }) {
  // A tier may be undone, too.
  const name = (label) => (tiers()[tier] ? named(label, tier) : `class ${label}`)
  const [old, now] = [before, after].map((all) => all.map(name).join(', ') || 'nothing')
  const isSame = settled && settled !== 'theirs'
  return (isSame ? now : `${old} → ${now}`) + (settled ? `, ${SETTLED[settled]}` : '')
}

// What goes to the server

export const outbox = new Outbox({
  changed: change,
  done({ words, sentence = words && `${words}: a change of the classes`, settle: end }, reply) {
    const { comparison } = state
    if (comparison && reply.overall) state.comparison = reply
    else if (comparison && !outbox.items.length) {
      outbox.send('compare', { observer: comparison.observer })
    }
    Object.assign(state.project, {
      can_undo: reply.can_undo ?? state.project.can_undo,
      can_redo: reply.can_redo ?? state.project.can_redo,
    })
    if (reply.tiers) {
      return attempt(async () => {
        await loadProject()
        // Now that it is seen: later, it would cover what is said of the next key.
        if (sentence) say(sentence)
        end(reply)
        if (state.recording) await open(state.recording.id)
      })
    }
    if (reply.recording === undefined) return
    const { can_train, advice, minutes } = reply
    Object.assign(state.project, { can_train, advice, minutes })
    const entry = state.project.recordings.find((r) => r.id === reply.recording)
    Object.assign(entry, { labelled: reply.labelled, totals: reply.totals })
    if (state.uncertain.length && !outbox.items.length) loadUncertain().catch(() => {})
    if (state.recording?.id === reply.recording) settle(reply.tier, reply.labels)
    else if (words) {
      const where = () =>
        `${words} in ${entry.name} ${interval(reply.start, reply.end)}: ${changeOf(reply.step)}`
      return open(reply.recording, reply.start).then(() => say(where()))
    }
    if (words) {
      if (reply.start < state.view.start || reply.end > state.view.end) {
        show(reply.start - 1, reply.end + 1)
      }
      say(`${words} ${interval(reply.start, reply.end)}: ${changeOf(reply.step)}`)
    }
  },
  async refused(error) {
    complain(error)
    await attempt(() => open(state.recording.id, state.frame))
  },
  async conflict() {
    const edits = outbox.items.filter((item) => item.edit)
    await loadProject()
    for (const item of outbox.items) if (!item.edit) item.settle(null)
    outbox.items = edits
    if (state.recording) await open(state.recording.id, state.frame)
    complain(
      new Error(
        'Another window changed this project, so it was loaded anew.' +
          (edits.length ? ' What you labelled meanwhile was added to it.' : ''),
      ),
    )
  },
})

/** The labels of a tier as the server has them, with what it hasn't got yet. */
function settle(tier, list) {
  for (const { id, edit, body } of outbox.items) {
    if (edit && id === state.recording.id && body.tier === tier) list = apply(list, edit)
  }
  state.recording.labels[tier] = list
}

/** Labels by an edit, at once here and soon there. */
export function commit(edit, sentence, tier = state.tier, more = {}) {
  const { id } = state.recording
  const { start, end, segments } = edit
  state.recording.labels[tier] = apply(labels(tier), edit)
  Object.assign(state, { drawn: 0, undrawn: 0 })
  state.project.can_undo = true
  say(sentence)
  return outbox.send(`${place(id)}/labels`, { tier, start, end, segments, ...more }, { id, edit })
}

export function travel(path, words) {
  state.selection = null
  outbox.send(path, {}, { words })
}

/** Changes the ethogram by a function of its tiers; says so unless it is refused. */
export async function edit(change, sentence) {
  // What waits may give a class its id.
  while (outbox.busy) await outbox.empty()
  const wanted = structuredClone(tiers())
  change(wanted)
  const reply = await outbox.send('ethogram', { tiers: wanted }, { sentence })
  if (reply) Object.assign(state, { drawn: 0, undrawn: 0 })
  return reply
}

/** Adds the classes of a file; returns notes on it, or null if it is refused. */
export async function addClasses(file) {
  while (outbox.busy) await outbox.empty()
  const reader = new FileReader()
  const read = new Promise((resolve, reject) => {
    reader.onload = () => resolve(reader.result.split(',')[1])
    reader.onerror = () => reject(reader.error)
  })
  reader.readAsDataURL(file)
  const body = { name: file.name, content: (await read) ?? '' }
  const sentence = `added the classes of ${file.name}`
  const reply = await outbox.send('classes', body, { sentence })
  return reply && reply.notes
}

// What comes from the server

export async function loadProject() {
  state.project = await get('project')
  outbox.revision = state.project.revision
  state.tier = Math.min(state.tier, tiers().length - 1)
  change()
}

const OPENED = 120 // seconds that the timeline shows at first
let opening = null
let begun = false
let opened = () => {} // what happens when a recording has been opened
export const atOpened = (deed) => (opened = deed)

/** Whether another recording is about to be opened, as the first one is at first. */
export const isOpening = () =>
  !begun || (opening !== null && opening !== state.recording?.id)

/** Opens a recording, or loads the open one anew without losing the place. */
export async function open(id, frame = 0) {
  opening = id
  try {
    await load(id, frame)
  } finally {
    if (opening === id) {
      opening = null
      begun = true
      opened()
    }
  }
}

async function load(id, frame) {
  const more = await get(place(id))
  if (opening !== id) return
  const entry = state.project.recordings.find((r) => r.id === id)
  const again = state.recording?.id === id
  const { start, end } = state.view
  const isNear = state.recording?.others.some((other) => other.id === id)
  const recording = Object.assign(Object.create(entry), more)
  if (!again) {
    const lost = Object.keys(state.running).length
    Object.assign(state, { playing: false, loop: null, selection: null, mark: null })
    Object.assign(state, { running: {}, filling: false, unsure: null })
    state.frame = Math.max(0, Math.min(frame, entry.frames - 1))
    say(`opened ${entry.name}` + (lost ? '; the running segment was cancelled' : ''))
  }
  state.recording = recording
  // The same moment of another individual stays where it is.
  const isThere = again || (isNear && start <= frame && frame < end)
  if (!isThere) look(frame - OPENED * 0.1 * entry.fps, frame + OPENED * 0.9 * entry.fps)
  recording.labels.forEach((list, tier) => settle(tier, list))
  change()
}

/** What files next to the recordings offer the open one, of which the first is shown. */
export const offer = () => state.recording.offers[0]

/** The labels, by tier, that are drawn below to be compared: an observer's, or a file's. */
export const theirs = () =>
  state.comparison ? state.comparison.labels[state.recording.name] : offer()?.labels

/** Looks for what has appeared in the folder. */
export async function loadNews() {
  state.news = await get('news')
  if (state.news.labels.length && state.recording) await open(state.recording.id)
  change()
}

/** Takes over labels that files offer, or dismisses them. */
export async function decide(offers, taken) {
  const ids = offers.map(({ id }) => id)
  const reply = await outbox.send(`offers/${taken ? 'take' : 'dismiss'}`, { ids })
  if (!reply) return
  state.news = reply.news
  await renew()
  say(taken ? 'labels taken over; Ctrl Z undoes it' : 'the labels stay as they are')
}

/** Takes over the recordings and poses that have appeared. */
export async function addRecordings() {
  state.news = await post('recordings', {})
  await renew()
  say('added what is new in the folder')
}

/** The place in a list of what follows what is shown, both told apart by keys. */
export function nextPlace(list, shown, by, keys) {
  const now = list.findIndex((one) => keys.every((key) => one[key] === shown?.[key]))
  // One that was settled is gone, and the following one has its place.
  const gone = (shown?.place ?? 0) - (by > 0 ? 1 : 0)
  return ((now < 0 ? gone : now) + by + 2 * list.length) % list.length
}

export async function loadUncertain() {
  await outbox.empty()
  state.uncertain = await get('uncertain')
  change()
}

// Work in the background

const ENDS = {
  videos: 'the videos are converted',
  poses: 'the poses are estimated',
  predict: 'the predictions are in the timeline',
}
const JOBS = ['job', 'conversion']
const isRunning = (job) => state.project[job].state === 'running'
let timer = null

export async function watchJob() {
  clearTimeout(timer)
  try {
    const news = await get('job')
    const first = state.version === null
    const other = news.version !== state.version
    const ended = JOBS.filter((job) => isRunning(job) && news[job].state !== 'running')
    const { seconds_left: seconds } = news.job
    if (seconds !== state.left?.seconds) state.left = { seconds, at: Date.now() }
    state.version = news.version
    const { job, conversion } = news
    Object.assign(state.project, news)
    if (first || (!other && !ended.length)) change()
    else await renew()
    if (other && !first && news.preview) {
      const what = news.first ? 'what a first model predicts' : 'a preview of the predictions'
      say(`${what} is in the timeline`)
    }
    // As they were asked for, so that none ends unnoticed.
    Object.assign(state.project, { job, conversion })
    for (const { state: how, kind, error } of ended.map((job) => news[job])) {
      if (how === 'failed') complain(new Error(error))
      else say(how === 'done' ? ENDS[kind] : 'stopped')
    }
  } catch {
    // It is asked again below; the state of saving says whether the server is there.
  }
  if (JOBS.some(isRunning)) timer = setTimeout(watchJob, 1000)
}

async function renew() {
  await outbox.empty()
  state.unsure = null
  await loadProject()
  if (state.recording) await attempt(() => open(state.recording.id))
  await loadUncertain()
}

export const start = (path, body = {}) =>
  attempt(async () => {
    state.project.job = (await post(path, body)).job
    change()
    await watchJob()
  })
