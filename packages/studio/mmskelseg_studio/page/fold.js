// Parts that are folded up, which then cost nothing; whether they are is kept.
import { keep, kept } from './kept.js'
import { html, useState } from './vendor/preact.js'

export function Fold({ title, name = title, begins = false, onToggle, children }) {
  const key = `open ${name}`
  const [shown, open] = useState(kept(key, begins))
  const toggle = ({ target }) => {
    keep(key, target.open)
    open(target.open)
    onToggle?.(target.open)
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
