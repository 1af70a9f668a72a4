// The model of the page, in a thread of its own.
import { decode, runs } from './decoding.js'
import { inputs, shownAt } from './fitting.js'

const CHUNK = 8192 // frames that the graph labels together, besides those around them
let worker = null
let answer = null // {resolve, reject, progress} of what the thread works on
let last = Promise.resolve() // one thing after another

const text = (id) => document.getElementById(id).textContent
export const binary = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0))
async function unpacked(id) {
  const stream = new Blob([binary(text(id))]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).arrayBuffer()
}

function ask(message, moved, progress = () => {}) {
  const asked = () => new Promise((resolve, reject) => {
    answer = { resolve, reject, progress }
    worker.postMessage(message, moved)
  })
  return (last = last.catch(() => {}).then(asked))
}

/** Starts the thread with the model. */
export async function start() {
  worker = new Worker(URL.createObjectURL(new Blob([JSON.parse(text('worker'))], { type: 'text/javascript' })))
  worker.onmessage = ({ data: { done, problem, result } }) => {
    if (done) answer.progress(done)
    else if (problem) answer.reject(new Error(`the model cannot run here: ${problem}`))
    else answer.resolve(result)
  }
  worker.onerror = ({ message }) => answer.reject(new Error(`the model cannot run here: ${message}`))
  const [runtime, model] = await Promise.all(['runtime', 'model'].map(unpacked))
  await ask({ runtime, model }, [runtime, model])
}

/** What each chunk of frames reads, and gives, as `frame_chunks` of Python has it. */
function chunksOf(frames, context) {
  const isWhole = context === null || context >= frames
  const [size, around] = isWhole ? [frames, 0] : [CHUNK, context]
  return Array.from({ length: Math.ceil(frames / size) }, (_, i) => {
    const inner = [i * size, Math.min((i + 1) * size, frames)]
    return { inner, outer: [Math.max(inner[0] - around, 0), Math.min(inner[1] + around, frames)] }
  })
}

/** The segments of each tier, [start, end, class, confidence], in frames of the recording. */
export async function segment(bodies, fps, facts, progress) {
  const shown = shownAt(bodies, fps, facts.fps, facts.least)
  const { frames, back } = shown
  const given = { ...inputs(shown, facts.least), frames, chunks: chunksOf(frames, facts.context) }
  const found = await ask(given, [given.keypoints.buffer, given.scores.buffer], progress)
  const count = found.probabilities.length / frames
  let first = 0
  return facts.tiers.map(({ classes }, tier) => {
    const score = classes.map((_, k) =>
      Float32Array.from({ length: frames }, (_, t) => found.probabilities[t * count + first + k]))
    first += classes.length
    const steps = facts.postprocess.filter((step) => (step.tier ?? 0) === tier).map(({ tier: _, ...step }) => step)
    const labels = decode(score, steps, found.boundary)
    return segmentsOf(labels, score, back)
  })
}

function segmentsOf(labels, score, back) {
  const own = back?.map((frame) => labels[frame]) ?? labels
  return runs(own).map(([start, end, label]) => {
    let sum = 0
    for (let t = start; t < end; t++) sum += score[label][back?.[t] ?? t]
    return [start, end, label, sum / (end - start)]
  })
}
