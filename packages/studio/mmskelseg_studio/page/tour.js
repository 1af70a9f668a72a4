// A newcomer's way through the page, once, in six steps.
import { fold, isFolded, reach } from './fold.js'
import { change, state, tiers } from './state.js'
import { keep, kept } from './shared/kept.js'
import { toggle } from './shared/player.js'
import { html, useLayoutEffect, useRef } from './shared/vendor/preact.js'

// What is shown, and what is said of it.
const STEPS = [
  ['.recordings', 'Recordings', 'Each video or file of poses of the folder, and how much of it is labelled. N and P go to the next and previous one.'],
  ['.picture', 'The picture', 'It follows the body. The wheel zooms, a drag moves, and the mouse on a joint shows its name. A click or Space plays.'],
  ['[aria-label=Classes]', 'Classes', 'Each has a key. Press it where an action starts, and again where it ends, or the key of the class that follows.'],
  ['#timeline', 'The timeline', 'Your labels, and below them what a model predicts, pale where it is unsure. The wheel zooms, a drag moves, and boundaries can be dragged.'],
  ['[aria-label=Training]', 'Training', 'Label a few minutes in two recordings, and press Train. A preview comes within seconds, a first model within minutes.'],
  ['[aria-label=Check]', 'Checking', 'Tab goes to what the model is least sure of, Enter accepts it. Then train again. Ctrl Z undoes anything.'],
]
let step = null

export function begin() {
  for (const side of ['left', 'right']) if (isFolded(side)) fold(side)
  step = 0
  change()
}

function end() {
  step = null
  keep('toured', true)
  change()
}

/** Begins once, where nothing was changed yet. */
export const invite = () => kept('toured', false) || state.project.can_undo || begin()

/** The card of a step, which covers no key; what it tells of has a frame. */
export function Tour() {
  const card = useRef()
  const [selector, title, words] = STEPS[step] ?? []
  useLayoutEffect(() => {
    const target = selector && document.querySelector(selector)
    if (!target) return
    target.classList.add('toured')
    target.scrollIntoView({ block: 'nearest' })
    const { left, right, top, bottom, width } = target.getBoundingClientRect()
    const { offsetWidth: w, offsetHeight: h, style } = card.current
    const within = (at, size, room) => `${Math.max(8, Math.min(at, room - size - 8))}px`
    // Beside what is narrow, below or above what is wide.
    const beside = width < innerWidth / 3
    style.left = within(beside ? (left < innerWidth / 2 ? right + 10 : left - w - 10) : left, w, innerWidth)
    style.top = within(beside ? top : bottom + h + 16 < innerHeight ? bottom + 8 : top - h - 8, h, innerHeight)
    return () => target.classList.remove('toured')
  }, [step])
  if (step === null) return null
  const go = (by) => () => {
    step += by
    if (step === STEPS.length) end()
    change()
  }
  return html`<div class="tour" role="dialog" aria-label=${title} ref=${card}>
    <b>${title}</b> <span class="quiet">${step + 1} of ${STEPS.length}</span>
    <p>${words}</p>
    <div class="field">
      <button class="main" onClick=${go(1)}>${step + 1 < STEPS.length ? 'Go on' : 'Begin'}</button>
      ${step > 0 && html`<button onClick=${go(-1)}>Back</button>`}
      <button class="plain" onClick=${end}>End the tour</button>
    </div>
  </div>`
}

/** What to do in a project without classes, each a button. */
export function Empty() {
  if (state.playing || tiers().some(({ classes }) => classes.length)) return null
  const step = (words, deed, text) => html`<li>
    <button onClick=${deed}>${words}</button><span>${text}</span>
  </li>`
  return html`<div class="empty" onClick=${(event) => event.stopPropagation()}>
    <h2>Three steps</h2>
    <ol>
      ${step('Add a class', () => reach('add', 'right', 'Classes'), 'for each thing to tell apart, such as “walk”.')}
      ${step('Play', toggle, 'and press the key of a class where the action starts, and again where it ends.')}
      ${step('Look around', () => begin(), 'in six steps, from labels to a trained model.')}
    </ol>
  </div>`
}
