// The panels at the sides: recordings, training, export.
import { post } from './api.js'
import { Find, found, shareOf } from './finding.js'
import { Fold, Panel } from './fold.js'
import {
  addRecordings, attempt, change, clock, decide, open, say, start, state,
} from './state.js'
import { keep, kept } from './shared/kept.js'
import { html, useEffect, useRef, useState } from './shared/vendor/preact.js'

const percent = (share) => `${Math.round(share * 100)} %`

const MOST = 4 // files that are listed

/** What has appeared in the folder, and what may be done about it. */
function News() {
  const { recordings, labels } = state.news
  const groups = {}
  for (const one of labels) (groups[`${one.is_conflict} ${one.file}`] ??= []).push(one)
  const files = Object.values(groups)
  const few = (names) =>
    names.slice(0, 2).join(', ') + (names.length > 2 ? ` and ${names.length - 2} more` : '')
  const show = ({ recording }) =>
    attempt(() => open(state.project.recordings.find((r) => r.name === recording).id))
  return html`
    ${recordings.length > 0 && html`<div class="offer" role="group" aria-label="New recordings">
      <p>New in the folder: ${few(recordings)}</p>
      <div class="field">
        <button onClick=${() => attempt(addRecordings)}>Add</button>
        <button onClick=${() => ((state.news.recordings = []), change())}>Not now</button>
      </div>
    </div>`}
    ${files.slice(0, MOST).map((offers) => {
      const [{ file, is_conflict: other }] = offers
      const answer = (taken) => () => attempt(() => decide(offers, taken))
      return html`<div class="offer" role="group" aria-label=${`New labels in ${file}`}>
        <p>
          ${file} has ${other ? 'other labels than you' : 'labels where you have none'}:
          ${' '}${few(offers.map(({ recording }) => recording))}
        </p>
        <div class="field">
          <button onClick=${() => show(offers[0])}>Show</button>
          <button onClick=${answer(true)}>Take over</button>
          <button onClick=${answer(false)}>Leave as it is</button>
        </div>
      </div>`
    })}
    ${files.length > MOST && html`<p class="quiet">and ${files.length - MOST} further files</p>`}`
}

export function Recordings() {
  const { recordings, notes } = state.project
  const area = useRef()
  useEffect(() => {
    const list = area.current
    const open = list.querySelector('[aria-current=true]')
    if (!open) return
    const moved = (from, start, size, room) =>
      Math.max(Math.min(from, start - 4), start + size + 4 - room)
    list.scrollTop = moved(list.scrollTop, open.offsetTop, open.offsetHeight, list.clientHeight)
    // On small screens it is a strip.
    const strip = open.closest('ul')
    strip.scrollLeft = moved(strip.scrollLeft, open.offsetLeft, open.offsetWidth, strip.clientWidth)
  }, [state.recording?.id])
  return html`<section aria-label="Recordings" class="recordings" ref=${area}>
    <h2>Recordings</h2>
    <${News} />
    ${recordings.length > 1 && html`<${Find} />`}
    <ul>
      ${found().map((r) => {
        const length = r.frames / r.fps
        const share = Math.min(1, shareOf(r))
        return html`<li key=${r.id}>
          <button
            aria-current=${r.id === state.recording?.id}
            onClick=${() => attempt(() => open(r.id))}
          >
            <b>${r.name}</b>
            <span>
              ${clock(length, 0)} · ${percent(share)} labelled
            </span>
            <i class="meter"><i style=${{ width: `${share * 100}%` }} /></i>
          </button>
        </li>`
      })}
    </ul>
    ${recordings.length > 0 && !found().length && html`<p class="quiet">None is like this.</p>`}
    <${Conversion} ...${state.project.conversion} />
    ${notes.length > 0 && html`<${Fold} title="Notes" begins=${true}>
      ${notes.map((note) => html`<p>${note}</p>`)}
    </${Fold}>`}
  </section>`
}

function Conversion({ state, text, done, error }) {
  if (state === 'failed') return html`<p class="bad">${error}</p>`
  return (
    state === 'running' &&
    html`<p class="quiet">${text}</p><progress max="1" value=${done ?? undefined} aria-label=${text} />`
  )
}

const duration = (seconds) =>
  seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${(seconds / 60).toFixed(1)} minutes`

function Progress({ job }) {
  const { seconds = null, at } = state.left ?? {}
  // It counts down, although the server only says so after each part.
  const left = seconds - (Date.now() - at) / 1000
  const late = 'it takes longer than expected'
  const words = seconds === null ? '' : left > 0 ? `about ${duration(left)} left` : late
  return html`<div class="progress">
    <progress max="1" value=${job.done ?? undefined} aria-label=${job.text} />
    <p>${job.text} <span class="quiet">${words}</span></p>
    <button onClick=${() => start('stop')}>Stop</button>
  </div>`
}

const off = (seconds) => (seconds === null ? '–' : `±${seconds.toFixed(seconds < 1 ? 2 : 1)} s`)

/** How many bouts a model finds that it has not trained on, and the scores of that. */
function Found({ found, held_out: held }) {
  if (!held.length) return null
  const sum = (key) => found.reduce((all, one) => all + one[key], 0)
  const bouts = sum('bouts')
  const timed = found.filter(({ seconds }) => seconds !== null)
  const all = timed.reduce((number, one) => number + one.found, 0)
  const seconds = timed.reduce((total, one) => total + (one.seconds * one.found) / (all || 1), 0)
  return html`${bouts > 0 && html`<p class="found">
      It finds <b>${sum('found')} of ${bouts}</b> bouts that it has not trained on, and invents
      ${' '}${sum('invented')}${all > 0 && html`; boundaries are about <b>${seconds.toFixed(seconds < 0.1 ? 2 : 1)} s</b> off`}.
    </p>
    <table class="found">
      <tbody>
        ${found.map((one) => html`<tr title=${`${one.invented} invented`}>
          <th scope="row">${one.name}<i class="meter"><i style=${{ width: `${(100 * one.found) / (one.bouts || 1)}%` }} /></i></th>
          <td>${one.found} of ${one.bouts}</td><td>${off(one.seconds)}</td>
        </tr>`)}
      </tbody>
    </table>`}
    <${Fold} title="Scores">
      <p class="quiet">On labels it has not trained on:</p>
      <table>
        <tbody>
          ${held.map(
            ({ title, meaning, text }) =>
              html`<tr><th scope="row" title=${meaning}>${title}</th><td>${text}</td></tr>`,
          )}
        </tbody>
      </table>
    </${Fold}>`
}

export function Training() {
  const [chosen, setChosen] = useState('')
  const { job, model, given, can_train: reason, advice, minutes, recordings } = state.project
  const busy = job.state === 'running'
  const labelled = recordings.reduce((sum, r) => sum + r.labelled, 0)
  const poseless = recordings.filter((r) => r.video && !r.poses).length
  const failed = job.state === 'failed'
  // What failed is tried again by its button.
  const again = (...kinds) => (failed && kinds.includes(job.kind) ? ' again' : '')
  return html`<${Panel} title="Training" begins=${true}>
    <p>${duration(labelled)} are labelled.</p>
    ${failed && html`<p class="bad">${job.error}</p>`}
    ${busy
      ? html`<${Progress} job=${job} />`
      : html`<div class="field">
            <label class="field">Minutes
              <input
                type="number" min="1" max="1440" value=${chosen} placeholder=${minutes}
                title="At most so many; empty, as many as suit what is labelled"
                onInput=${(event) => setChosen(event.target.value)}
              />
            </label>
            <button
              class="main" disabled=${!!reason} aria-describedby="reason"
              onClick=${() => start('train', { minutes: +chosen || minutes })}
            >Train${again('preview', 'fit', 'predict')}</button>
          </div>
          <p id="reason" class="quiet">${reason ?? advice}</p>`}
    ${!busy && job.state === 'stopped' && html`<p class="quiet">Stopped.</p>`}
    ${!busy && poseless > 0 && html`<p>${poseless} of ${recordings.length} videos have no poses.</p>
      <button onClick=${() => start('poses')}>Estimate poses${again('poses')}</button>`}
    ${!busy && given && html`<p>Labels are predicted by ${given}.</p>
      <button class="main" onClick=${() => start('segment')}>Segment${again('poses', 'predict')}</button>`}
    ${model && html`<p>The model learnt from ${duration(60 * model.minutes)} of labels.</p>`}
    ${model && html`<${Found} ...${model} />`}
    ${model?.more && html`<p>${model.more}</p>`}
    ${model && html`<p><a href="report" target="_blank">Report of the model</a></p>`}
  </${Panel}>`
}

/** The formats that were chosen last, also before the page was closed. */
function chosenFormats() {
  return kept('formats', []).filter((one) => state.project.formats.some(({ name }) => name === one))
}

export function Export() {
  const [chosen, setChosen] = useState(chosenFormats)
  const [what, setWhat] = useState('labels')
  const [made, setMade] = useState(null)
  const mark = ({ target }) =>
    setChosen((now) => {
      const next = now.filter((one) => one !== target.value)
      if (target.checked) next.push(target.value)
      keep('formats', next)
      return next
    })
  const save = () =>
    attempt(async () => {
      const reply = await post('export', { formats: chosen, what })
      setMade(reply)
      say(`exported ${reply.files.length} files to ${reply.folder}`)
    })
  return html`<${Panel} title="Export">
    <fieldset>
      <legend>What</legend>
      ${['labels', 'predictions'].map(
        (each) => html`<label>
          <input
            type="radio" name="what" value=${each} checked=${what === each}
            onChange=${() => setWhat(each)}
          /> ${each}
        </label>`,
      )}
    </fieldset>
    <fieldset>
      <legend>Formats</legend>
      ${state.project.formats.map(
        ({ name, title }) => html`<label>
          <input type="checkbox" value=${name} checked=${chosen.includes(name)} onChange=${mark} />
          ${' '}${title}
        </label>`,
      )}
    </fieldset>
    <button disabled=${!chosen.length} onClick=${save}>Export</button>
    ${made && html`<p>${made.files.length} files in <code>${made.folder}</code></p>
      <ul class="files">
        ${made.files.map(
          ({ name, bytes }) => html`<li>
            <a href=${`files/${encodeURIComponent(name)}`} download>${name}</a>
            <span class="quiet"> ${Math.max(1, Math.round(bytes / 1024))} KB</span>
          </li>`,
        )}
      </ul>`}
  </${Panel}>`
}
