// The list of segments, in which their times can be typed.
import { moveBoundary, moveMoment, select } from './actions.js'
import { Fold } from './fold.js'
import { clock, isPoints, labels, named, say, state, tiers, time } from './state.js'
import { seek } from './shared/player.js'
import { html, useLayoutEffect, useRef, useState } from './shared/vendor/preact.js'

const PAGE = 100

/** The frame of a typed time, or null. */
function frameOf(words) {
  const typed = words.trim().replace(',', '.')
  if (!/^(\d+:){0,2}\d+(\.\d*)?$/.test(typed)) return null
  const seconds = typed.split(':').reduce((sum, part) => 60 * sum + +part, 0)
  return Math.round(seconds * state.recording.fps)
}

export function Time({ frame, name, move }) {
  const field = useRef()
  const words = clock(frame / state.recording.fps, 3)
  useLayoutEffect(() => (field.current.value = words) && undefined, [words])
  const typed = ({ target }) => {
    const to = frameOf(target.value)
    if (to === null) say(`“${target.value}” is no time; type one such as 1:02.5`)
    else if (to !== frame) move(to)
    // If it has moved, the new time follows.
    target.value = words
  }
  return html`<input ref=${field} aria-label=${name} autocomplete="off" onChange=${typed} />`
}

function Row({ one }) {
  const [start, end, label] = one
  const what = `${named(label)} at ${time(start)}`
  const go = () => {
    seek(start)
    select()
  }
  const begins = (to) => (isPoints() ? moveMoment(one, to) : moveBoundary(start, to))
  return html`<tr>
    <td><${Time} frame=${start} name=${`Start of ${what}`} move=${begins} /></td>
    <td>${!isPoints() &&
    html`<${Time} frame=${end} name=${`End of ${what}`} move=${(to) => moveBoundary(end, to)} />`}</td>
    <td>${named(label)}</td>
    <td><button aria-label=${`Go to ${what}`} onClick=${go}>Go there</button></td>
  </tr>`
}

function Rows({ list }) {
  const [page, turn] = useState(0)
  const at = Math.min(page, Math.floor(Math.max(0, list.length - 1) / PAGE))
  const first = at * PAGE
  return html`<table>
      <thead><tr><th>Start</th><th>End</th><th>Class</th><th /></tr></thead>
      <tbody>
        ${list.slice(first, first + PAGE).map((one) => html`<${Row} one=${one} />`)}
      </tbody>
    </table>
    ${list.length > PAGE && html`<p>
      <button disabled=${!first} onClick=${() => turn(at - 1)}>Earlier</button>
      ${' '}${first + 1}–${Math.min(first + PAGE, list.length)}${' '}
      <button disabled=${first + PAGE >= list.length} onClick=${() => turn(at + 1)}>
        Later
      </button>
    </p>`}`
}

export function Segments() {
  const list = labels()
  const { name } = tiers()[state.tier]
  const title = `${list.length} ${list.length === 1 ? 'segment' : 'segments'}${name && ` of ${name}`}`
  return html`<${Fold} title=${title} name="segments"><${Rows} list=${list} /></${Fold}>`
}
