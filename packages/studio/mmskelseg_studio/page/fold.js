// A part below the timeline that is folded up at first, and then costs nothing.
import { html, useState } from './vendor/preact.js'

export function Fold({ title, children }) {
  const [shown, open] = useState(false)
  return html`<details class="list" onToggle=${({ target }) => open(target.open)}>
    <summary>${title}</summary>
    ${shown && children}
  </details>`
}
