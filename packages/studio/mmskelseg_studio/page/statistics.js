// How much is labelled of each class.
import { Fold } from './fold.js'
import { classes, clock, isPoints, state } from './state.js'
import { html } from './shared/vendor/preact.js'

/** The number of a class's labels in some recordings, and their seconds. */
export function total(recordings, tier, id) {
  const found = recordings.map(({ totals }) => totals[tier]?.[id] ?? [0, 0])
  return found.reduce(([number, seconds], [n, s]) => [number + n, seconds + s], [0, 0])
}

function Table() {
  const { recordings } = state.project
  const { tier } = state
  const here = recordings.filter(({ id }) => id === state.recording.id)
  const all = classes().reduce((sum, { id }) => sum + total(recordings, tier, id)[1], 0)
  const times = (...cells) => !isPoints() && cells.map((words) => html`<td>${words}</td>`)
  const wide = isPoints() ? 1 : 3
  const share = (seconds) => `${Math.round((100 * seconds) / (all || 1))} %`
  return html`<table>
    <thead>
      <tr><th /><th colspan=${wide}>This recording</th><th colspan=${wide}>All recordings</th></tr>
      <tr>
        <th>Class</th><th>Labels</th>${times('Time', 'Mean')}
        <th>Labels</th>${times('Time', 'Share')}
      </tr>
    </thead>
    <tbody>
      ${classes().map(({ id, name }) => {
        const [number, seconds] = total(here, tier, id)
        const [every, sum] = total(recordings, tier, id)
        return html`<tr>
          <th scope="row">${name}</th>
          <td>${number}</td>${times(clock(seconds), clock(seconds / (number || 1)))}
          <td>${every}</td>${times(clock(sum), share(sum))}
        </tr>`
      })}
    </tbody>
  </table>`
}

export const Statistics = () => html`<${Fold} title="Statistics of classes"><${Table} /></${Fold}>`
