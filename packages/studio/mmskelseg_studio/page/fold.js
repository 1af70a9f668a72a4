// Parts that are folded up, which then cost nothing; whether they are is kept.
import { change } from './state.js'
import { keep, kept } from './shared/kept.js'
import { html } from './shared/vendor/preact.js'

export const isOpen = (name, begins = false) => kept(`open ${name}`, begins)

export function Fold({ title, name = title, begins = false, children }) {
  const shown = isOpen(name, begins)
  const toggle = ({ target }) => {
    keep(`open ${name}`, target.open)
    change()
  }
  return html`<details class="list" open=${shown} onToggle=${toggle}>
    <summary>${title}</summary>
    ${shown && children}
  </details>`
}

/** A panel at the side. */
export const Panel = ({ title, ...more }) => html`<section aria-label=${title}>
  <${Fold} title=${title} ...${more} />
</section>`

// Panels at the sides: how wide, and whether their edge moves with or against the mouse.
const WIDTHS = { left: [190, 1], right: [240, -1] }
const width = (side) => kept(side, WIDTHS[side][0])

function resize(side, wide) {
  keep(side, Math.max(150, Math.min(wide, 420)))
  document.documentElement.style.setProperty(`--${side}`, `${width(side)}px`)
  change(false)
}
for (const side of Object.keys(WIDTHS)) resize(side, width(side))

export const isFolded = (side) => kept(`${side} folded`, false)
export function fold(side) {
  keep(`${side} folded`, !isFolded(side))
  change()
}

/** Goes to a field, also if the panel is folded that it is in. */
export function reach(id, side, title) {
  keep(`open ${title}`, true)
  if (isFolded(side)) fold(side)
  change()
  const go = () => document.getElementById(id)?.select()
  if (document.getElementById(id)) go()
  else requestAnimationFrame(go)
}

/** The edge of a panel, which a drag or arrow keys move. */
export function Edge({ side }) {
  const down = (event) => {
    event.preventDefault()
    const { target, clientX: from } = event
    const before = width(side)
    target.setPointerCapture(event.pointerId)
    target.onpointermove = ({ clientX }) => resize(side, before + WIDTHS[side][1] * (clientX - from))
    target.onlostpointercapture = () => (target.onpointermove = null)
  }
  const key = (event) => {
    const by = { ArrowLeft: -10, ArrowRight: 10 }[event.key]
    if (!by) return
    event.stopPropagation()
    resize(side, width(side) + WIDTHS[side][1] * by)
  }
  return html`<div
    class="edge ${side}" role="separator" aria-orientation="vertical" tabindex="0"
    aria-label=${`Width of the ${side} panel`} aria-valuenow=${width(side)}
    onPointerDown=${down} onKeyDown=${key}
  />`
}
