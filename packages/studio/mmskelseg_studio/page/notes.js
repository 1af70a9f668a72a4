// What is noted of the selected segment: modifiers, as BORIS calls them, and a comment.
import { focusTimeline } from './keys.js'
import { annotate } from './labels.js'
import { commit, labels, named, state, time } from './state.js'
import { html } from './vendor/preact.js'

function Note({ one, tier }) {
  const [start, , label, note = ['', '']] = one
  const what = `${named(label, tier)} at ${time(start)}`
  const field = (i, words, hint) => html`<label class="field">${words}
    <input name=${i} defaultValue=${note[i]} placeholder=${hint} autocomplete="off" />
  </label>`
  const save = ({ target }) => {
    const wanted = note.map((_, i) => target.form.elements[i].value.trim())
    if (wanted.some((text, i) => text !== note[i])) {
      commit(annotate(labels(tier), one, wanted), `noted of ${what}`, tier)
    }
  }
  const leave = (event) => {
    event.preventDefault()
    focusTimeline() // what is left has changed
  }
  return html`<form class="note" aria-label=${`Note on ${what}`} onSubmit=${leave} onChange=${save}>
    ${field(0, 'Modifiers', 'such as slow|left')} ${field(1, 'Comment', '')}
    <button>Done</button>
  </form>`
}

export function Notes() {
  const { selection } = state
  if (!selection?.segment) return null
  const { tier, start, end } = selection
  const chosen = labels(tier).filter((one) => one[0] === start && one[1] === end && one[2] >= 0)
  const key = (one, i) => `${tier} ${i} ${one.slice(0, 3)}`
  return chosen.map((one, i) => html`<${Note} key=${key(one, i)} one=${one} tier=${tier} />`)
}
