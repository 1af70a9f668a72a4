// The page of a model, which labels poses without a server.
import { boxOf, chosen, individuals, prepared } from './fitting.js'
import './kept.js' // the theme
import { Picture } from './picture.js'
import { seek } from './player.js'
import { read } from './reading.js'
import { binary, segment, start } from './running.js'
import { Timeline } from './timeline.js'
import { Transport, begin, data } from './transport.js'
import { attempt, change, clock, hooks, show, state } from './view.js'
import { html } from './vendor/preact.js'
import { boris, csv, save } from './writing.js'

const [facts, sample] = ['facts', 'sample'].map(data)

// What is being labelled: {poses, fps, size} of a file, as given or typed; who; the bodies
// of who and others; how far it is; and its segments.
const work = { file: null, who: null, bodies: null, done: null, segments: null }

state.project = { tiers: facts.tiers.map((tier) => ({ ...tier, kind: 'states' })) }
state.picture = 'skeleton'

const ready = start()
ready.catch(() => {}) // said when it is needed

async function open(files) {
  state.alert = null
  Object.assign(work, { file: null, segments: null, done: null })
  state.recording = null
  state.said = `Reading ${files[0].name}`
  change()
  await new Promise((shown) => setTimeout(shown, 50))
  const poses = await read(files, facts.layouts).finally(() => (state.said = ''))
  work.file = { poses, fps: poses.fps, size: poses.size }
  await fit()
}

/** Labels the file, as soon as its frame rate, and its size if needed, are known. */
async function fit(who = null) {
  const { poses, fps, size } = work.file
  change()
  if (!fps || (poses.isFraction && !size)) return
  const own = prepared(poses, facts, size)
  const { first, others } = individuals(own)
  work.people = [...new Set([first, ...others])]
  const one = work.people.find(({ name }) => name === who) ?? first
  const bodies = chosen(own, one, facts.others ? others : [])
  Object.assign(work, { who: one, bodies, notes: notesOn(own, one, bodies), segments: null, done: 0 })
  shown(own, one, others)
  change()
  const before = work.file
  const isOld = () => work.file !== before || work.who !== one
  await ready
  const segments = await segment(bodies, fps, facts, (done) => {
    if (isOld()) return
    work.done = done
    change()
  })
  if (isOld()) return
  Object.assign(work, { segments, done: null })
  state.recording = { ...state.recording, predictions: segments }
  change()
}

/** Sentences on what was assumed, and on what labels are guesses. */
function notesOn({ notes, people, count }, { name, seen }, { frames, people: bodies }) {
  const { fps } = work.file
  const more = []
  if (facts.fps && Math.abs(facts.fps / fps - 1) > 0.05) {
    more.push(`shown to the model at ${facts.fps} frames per second, the rate of its training data, instead of ${fps}`)
  }
  if (!people.length && count > 1) more.push(`people have no names in the file; they were followed by their places, ${name} longest`)
  if (seen < frames) more.push(`nobody is seen in ${frames - seen} of ${frames} frames; labels there are guesses`)
  if (facts.others && bodies < 2) more.push('one individual alone, but the model also sees the nearest other: labels of what depends on it are guesses')
  return [...notes, ...more]
}

/** Shows all individuals, the chosen one first. */
function shown(poses, one, others) {
  const { points, people, frames, joints } = chosen(poses, one, others)
  const width = people * joints * 3
  const flat = points.map((value, i) => (points[i - (i % 3) + 2] ? value : NaN))
  hooks.poses = (_, from, to) => Promise.resolve(flat.subarray(from * width, to * width))
  const all = [...Array(people * frames).keys()].map((i) => boxOf(points, i, joints))
  const part = (values, share) => values.filter(Number.isFinite).sort((a, b) => a - b).at(share * (values.length - 1)) ?? 0
  const edges = [0, 1, 2, 3].map((i) => part(all.map((box) => box[i]), i < 2 ? 0.005 : 0.995))
  const space = 0.08 * Math.max(edges[2] - edges[0], edges[3] - edges[1], 1e-6)
  state.recording = {
    id: `${poses.name} ${one.name} ${Date.now()}`,
    name: poses.name,
    fps: work.file.fps,
    frames,
    labels: facts.tiers.map(() => []),
    predictions: null,
    seen: facts.tiers.map(() => []),
    uncertain: [],
    skeleton: {
      people,
      joints: facts.joints,
      limbs: facts.limbs,
      objects: [],
      bounds: edges.map((edge, i) => edge + (i < 2 ? -space : space)),
      reach: [0, 1].map((i) => part(all.filter((_, body) => body % people === 0).map((box) => box[i + 2] - box[i]), 0.99)),
    },
  }
  Object.assign(state, { frame: 0, tier: 0, playing: false, view: { start: 0, end: Math.min(frames, 60 * work.file.fps) } })
}

// What is on the page

const given = (list) => list.length && attempt(() => open([...list]))

// Without its value, an input can be given the same file again.
const chose = ({ target }) => (given(target.files), (target.value = ''))

const Drop = () => html`<section class="drop" aria-label="Poses">
  <p><strong>Drop poses here.</strong> They stay on this computer: the page asks nothing of a network.</p>
  <div>
    <label class="file">Choose a file<input type="file" multiple accept=".csv,.tsv,.json,.npz,.h5" onChange=${chose} /></label>
    ${sample && html`<button onClick=${() => given([new File([binary(sample.content)], sample.name)])}>Try ${sample.name}</button>`}
  </div>
  <p class="quiet">CSV of DeepLabCut, SLEAP, or a column a coordinate; JSON of MediaPipe; all JSON of OpenPose of a video; npz of mmskelseg</p>
</section>`

function Ask() {
  const { poses, fps, size } = work.file
  const asksSize = poses.isFraction && !size
  const send = (event) => {
    event.preventDefault()
    const { rate, width, height } = event.target.elements
    if (rate) work.file.fps = +rate.value
    if (width) work.file.size = [+width.value, +height.value]
    attempt(fit)
  }
  const field = (name, words, step) => html`<label>${words} <input name=${name} type="number" min=${step} step=${step === 1 ? 1 : 'any'} required /></label>`
  return html`<form class="ask" onSubmit=${send}>
    <p>${poses.name} does not state ${!fps && 'its frame rate'}${!fps && asksSize && ', nor '}${asksSize && 'the size of its images, of which coordinates are fractions'}.</p>
    ${!fps && field('rate', 'Frames per second', 0.01)}
    ${asksSize && html`${field('width', 'Width, pixels', 1)} ${field('height', 'Height', 1)}`}
    <button class="main">Label</button>
  </form>`
}

const Individuals = () => work.people.length > 1 && html`<label>Individual <select
  value=${work.who.name} onChange=${({ target }) => attempt(() => fit(target.value))}
>${work.people.map(({ name }) => html`<option value=${name}>${name}</option>`)}</select></label>`

function Segments() {
  const { segments } = work
  const { recording, project } = state
  if (!segments) return html`<label class="progress">Labelling <progress value=${work.done} /></label>`
  const rows = segments.flatMap((list, tier) => list.map((one) => [tier, ...one])).sort((a, b) => a[1] - b[1])
  const name = work.people.length > 1 ? `${recording.name}_${work.who.name}` : recording.name
  const own = { ...recording, name }
  const go = (start, end) => (seek(start, false), show(start, end))
  const several = project.tiers.length > 1
  return html`<section aria-label="Segments">
    <div class="saving">
      <button class="main" onClick=${() => save(csv(own, segments, project.tiers), `${name}_segments.csv`)}>Save as CSV</button>
      <button onClick=${() => save(boris(own, segments, project.tiers, facts.boris), `${name}_boris_events.csv`)}>Save for BORIS</button>
      <span class="quiet">${rows.length} segments</span>
    </div>
    <div class="rows wide" tabindex="0" role="region" aria-label="Table of segments"><table>
      <thead><tr><th>Start</th><th>End</th>${several && html`<th>Tier</th>`}<th>Label</th><th>Confidence</th></tr></thead>
      <tbody>${rows.map(([tier, start, end, label, score]) => html`<tr>
        <td><button class="plain" onClick=${() => go(start, end)}>${clock(start / recording.fps, 2)}</button></td>
        <td>${clock(end / recording.fps, 2)}</td>${several && html`<td>${project.tiers[tier].name}</td>`}
        <td class="name"><i style=${{ background: project.tiers[tier].classes[label].paint }} />${project.tiers[tier].classes[label].name}</td>
        <td>${Math.round(score * 100)} %</td>
      </tr>`)}</tbody>
    </table></div>
  </section>`
}

const About = () => html`<details class="about" open=${!state.recording}>
  <summary>What this model reads, how good it is, and what it does not know</summary>
  <div dangerouslySetInnerHTML=${{ __html: facts.card }} />
</details>`

function App() {
  const { recording, alert } = state
  return html`<main>
      <h1>${facts.name}</h1>
      <${Drop} />
      <p role="status">${state.said}</p>
      ${alert && html`<p role="alert" class="bad">${alert}</p>`}
      ${work.file && !recording && !alert && html`<${Ask} />`}
      ${recording && html`
        <h2>${recording.name}</h2>
        ${work.notes.length > 0 && html`<ul class="notes">${work.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
        <${Picture} absent="Nothing to see" />
        <${Transport}><${Individuals} /></${Transport}>
        <${Timeline} />
        <${Segments} />`}
      <${About} />
    </main>`
}

begin(() => html`<${App} />`)
addEventListener('dragover', (event) => event.preventDefault())
addEventListener('drop', (event) => {
  event.preventDefault()
  given(event.dataTransfer.files)
})
change()
