// The list of what was done and undone, which leads back to each of its steps.
import { get } from './api.js'
import { Fold } from './fold.js'
import { attempt, changeOf, clock, outbox, state, travel } from './state.js'
import { html, useEffect, useState } from './shared/vendor/preact.js'

function inWords(step) {
  const { recording, start, end } = step
  if (!recording) return 'a change of the classes'
  const entry = state.project.recordings.find(({ name }) => name === recording)
  const at = (frame) => clock(frame / entry.fps, 2)
  const when = entry ? `from ${at(start)} to ${at(end)}` : ''
  return `${recording} ${when}: ${changeOf(step)}`
}

function Steps() {
  const [steps, set] = useState([])
  useEffect(() => {
    attempt(async () => set(await get('history')))
  }, [outbox.revision])
  const done = steps.filter(({ undone }) => !undone).length
  const go = (path, words, count) => {
    for (let i = 0; i < count; i++) travel(path, words)
  }
  const row = (step, i) => html`<li class=${i < done ? '' : 'quiet'}>
    ${i < done
      ? html`<button onClick=${() => go('undo', 'undone', done - i)}>Undo to here</button>`
      : html`<button onClick=${() => go('redo', 'redone', i - done + 1)}>Redo to here</button>`}
    <span>${i < done ? '' : 'undone: '}${inWords(step)}</span>
  </li>`
  return html`<ul class="history">${steps.map(row).reverse()}</ul>`
}

export const History = () => html`<${Fold} title="History"><${Steps} /></${Fold}>`
