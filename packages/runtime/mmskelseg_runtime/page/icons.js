// Icons, as lines in a square of 24.
import { html } from './vendor/preact.js'

const PATHS = {
  play: 'M7 4v16l13-8z',
  pause: 'M8 4v16M16 4v16',
  back: 'M19 5l-9 7 9 7zM5 5v14',
  forward: 'M5 5l9 7-9 7zM19 5v14',
  loop: 'M17 2l4 4-4 4M3 11v-1a4 4 0 0 1 4-4h14M7 22l-4-4 4-4M21 13v1a4 4 0 0 1-4 4H3',
  gap: 'M2 8h5v8H2M22 8h-5v8h5M12 4v9M9 10l3 3 3-3',
  fill: 'M3 8h4v8H3M21 8h-4v8h4M9 12h6M12 9v6',
  in: 'M9 4H5v16h4M12 12h8',
  out: 'M15 4h4v16h-4M4 12h8',
  split: 'M12 3v18M3 8h5v8H3M21 8h-5v8h5',
  merge: 'M2 8h7v8H2M22 8h-7v8h7M9 12h6',
  delete: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  undo: 'M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3',
  redo: 'M15 14l5-5-5-5M20 9H10a6 6 0 0 0 0 12h3',
  doubt: 'M12 2a10 10 0 1 0 .1 0M9 10a3 3 0 1 1 4 2.5c-1 .5-1 1-1 1.8M12 17.4v.1',
  accept: 'M4 12l5 6L20 6',
  all: 'M2 12l5 6L16 6M12 17l1 1L22 6',
  menu: 'M5 12h.1M12 12h.1M19 12h.1',
  left: 'M3 4h18v16H3zM9 4v16',
  right: 'M3 4h18v16H3zM15 4v16',
  follow: 'M12 2v4M12 18v4M2 12h4M18 12h4M12 8a4 4 0 1 0 .1 0',
  whole: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
}

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <path d=${PATHS[name]} />
</svg>`
