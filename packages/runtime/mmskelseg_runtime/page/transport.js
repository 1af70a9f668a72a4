// What pages share that play: buttons, keys, and what follows the frame.
import { drawTimeline } from './drawing.js'
import { Icon } from './icons.js'
import { drawPicture } from './picture.js'
import { seek, setSpeed, speeds, toggle } from './player.js'
import { place } from './timeline.js'
import { state, watch } from './view.js'
import { html, render } from './vendor/preact.js'

/** What an element of the page has in JSON, if it is there. */
export const data = (id) => JSON.parse(document.getElementById(id)?.textContent ?? null)

export const Transport = ({ steps, legend, children }) => html`<div class="transport" role="group" aria-label="Play">
  <button class="main" title="Space" onClick=${toggle}><${Icon} name=${state.playing ? 'pause' : 'play'} />${state.playing ? 'Pause' : 'Play'}</button>
  ${steps}
  <span class="time" id="time" />
  ${legend}
  <select aria-label="Speed" title="Speed" value=${state.speed} onChange=${({ target }) => setSpeed(+target.value)}>
    ${speeds.map((one) => html`<option value=${one}>${one}×</option>`)}
  </select>
  ${children}
</div>`

const say = () => (document.getElementById('time').textContent = place())

/**
 * Shows what a function returns, now and whenever something changes, and takes keys; what
 * follows the frame is drawn without the page being made anew.
 */
export function begin(app, takeKey = pressed, follow = say) {
  addEventListener('keydown', takeKey)
  watch((all) => {
    if (all) render(app(), document.getElementById('app'))
    if (!state.recording) return
    drawPicture()
    drawTimeline()
    follow()
  })
}

function pressed(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  if (!state.recording || (!step && event.key !== ' ') || event.target.closest('input, select, button, summary')) return
  event.preventDefault()
  if (step) seek(state.frame + step * (event.shiftKey ? state.recording.fps : 1))
  else toggle()
}
