// The selected segment: its class, its times, modifiers, as BORIS calls them, and a comment.
import { moveBoundary } from './actions.js'
import { focusTimeline } from './keys.js'
import { Time } from './segments.js'
import { classOf, commit, isPoints, labels, named, state, time } from './state.js'
import { annotate, at } from './shared/labels.js'
import { html } from './shared/vendor/preact.js'

const FIELDS = ['modifiers', 'comment']

function Note({ one, tier }) {
  const [start, end, label, note = ['', '']] = one
  const what = `${named(label, tier)} at ${time(start)}`
  const field = (i, words, hint) => html`<label class="field">${words}
    <input name=${FIELDS[i]} defaultValue=${note[i]} placeholder=${hint} autocomplete="off" />
  </label>`
  const save = ({ target }) => {
    const wanted = FIELDS.map((name) => target.form.elements[name].value.trim())
    if (wanted.some((text, i) => text !== note[i])) {
      commit(annotate(labels(tier), one, wanted), `noted of ${what}`, tier)
    }
  }
  const leave = (event) => {
    event.preventDefault()
    focusTimeline() // what is left has changed
  }
  const move = (from, within) => (to) => {
    moveBoundary(from, to)
    const [first, last] = at(labels(tier), within)
    state.selection = { tier, start: first, end: last, segment: true }
  }
  return html`<form class="note" aria-label=${`Note on ${what}`} onSubmit=${leave} onChange=${save}>
    <b><i class="swatch" style=${{ background: classOf(label, tier)?.paint }} />${named(label, tier)}</b>
    ${!isPoints(tier) && html`<span class="times">
      <${Time} frame=${start} name="Its start" move=${move(start, end - 1)} />–
      <${Time} frame=${end} name="Its end" move=${move(end, start)} />
    </span>`}
    ${field(0, 'Modifiers', 'such as slow|left')} ${field(1, 'Comment', '')}
    <button>Done</button>
  </form>`
}

/** The forms of what is selected; moments may share their frame. */
export function chosen() {
  const { selection } = state
  if (!selection?.segment) return []
  const { tier, start, end } = selection
  const found = labels(tier).filter((one) => one[0] === start && one[1] === end && one[2] >= 0)
  const key = (one) => `${tier} ${labels(tier).indexOf(one)} ${one[2]}`
  return found.map((one) => html`<${Note} key=${key(one)} one=${one} tier=${tier} />`)
}
