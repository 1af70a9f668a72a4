// A page that plays recordings with their labels and predictions, such as a report's.
import { Picture } from './picture.js'
import { seek } from './player.js'
import { Transport, begin, data } from './transport.js'
import { Timeline } from './timeline.js'
import { change, hooks, look, state } from './view.js'
import { html } from './vendor/preact.js'

const { tiers, recordings } = data('facts')
state.project = { tiers: tiers.map((tier) => ({ ...tier, kind: 'states' })) }
state.picture = 'skeleton'

/** Opens the recording of a name at a frame. */
function open({ name, at }) {
  const one = recordings.find((recording) => recording.name === name)
  const bytes = Uint8Array.from(atob(one.points), (sign) => sign.charCodeAt(0))
  const points = new Int16Array(bytes.buffer)
  const { people, joints } = one.skeleton
  const size = 3 * people * joints.length
  hooks.poses = (_, from, to) => {
    const part = new Float32Array((to - from) * size)
    part.forEach((_, i) => {
      const value = points[Math.floor((from + Math.floor(i / size)) / one.step) * size + (i % size)]
      part[i] = value < 0 ? NaN : i % 3 === 2 ? value / 100 : one.corner[i % 3] + value * one.unit
    })
    return Promise.resolve(part)
  }
  state.playing = false
  state.recording = { ...one, id: name, seen: tiers.map(() => []), uncertain: [] }
  look(0, one.frames)
  seek(at)
  change()
}

begin(() => state.recording && html`<main>
  <h1>${state.recording.name}</h1>
  <${Picture} absent="Nothing to see" />
  <${Transport} />
  <${Timeline} />
</main>`)
addEventListener('message', ({ data }) => open(data))
