// Which recordings are listed: by their names, and by what they lack.
import { isDisputed } from './observers.js'
import { attempt, change, isPoints, open, state } from './state.js'
import { html } from './shared/vendor/preact.js'

/** How much of a recording has a class, from 0 to 1, on average of the tiers. */
export function shareOf({ totals, frames, fps }) {
  const rows = totals.filter((_, tier) => !isPoints(tier))
  const sum = rows.flatMap(Object.entries).reduce((sum, [id, [, s]]) => sum + (id < 0 ? 0 : s), 0)
  return (sum * fps) / (frames * rows.length)
}

// What a list is called, and whether a recording is in it.
const lists = {
  all: () => true,
  'without labels': ({ labelled }) => !labelled,
  'partly labelled': (one) => one.labelled > 0 && shareOf(one) < 0.9999,
  'with uncertain segments': ({ id }) => state.uncertain.some((one) => one.recording === id),
  'with disagreements': isDisputed,
}

const isOffered = (list) => lists[list] !== isDisputed || state.project.others.length

export const isFound = (one) =>
  one.name.toLowerCase().includes(state.find.name.toLowerCase()) && lists[state.find.list](one)

export const found = () => state.project.recordings.filter(isFound)

export function Find() {
  const set = (what) => ({ target }) => {
    state.find = { ...state.find, [what]: target.value }
    change()
  }
  const first = (event) => {
    event.preventDefault()
    const [one] = found()
    document.getElementById('timeline')?.focus()
    if (one) attempt(() => open(one.id))
  }
  return html`<form class="find" onSubmit=${first}>
    <input
      id="find" type="search" placeholder="find" aria-label="Name of a recording"
      autocomplete="off" value=${state.find.name} onInput=${set('name')}
    />
    <select aria-label="Which recordings" value=${state.find.list} onChange=${set('list')}>
      ${Object.keys(lists).filter(isOffered).map((list) => html`<option value=${list}>${list}</option>`)}
    </select>
  </form>`
}
