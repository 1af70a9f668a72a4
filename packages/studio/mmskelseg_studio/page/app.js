// The page: its layout, and what ties it to the keyboard and the address.
import { acceptAbove, select } from './actions.js'
import { check, place as path, poses, post } from './api.js'
import { Classes } from './ethogram.js'
import { Edge, fold, isFolded } from './fold.js'
import { History } from './history.js'
import { focusTimeline, groups, keyOf, keyShown, pressed } from './keys.js'
import { chosen as notes } from './notes.js'
import { Dispute, Observers, disputed, rows as settling } from './observers.js'
import { Export, Recordings, Training } from './panels.js'
import { PlacePanel, Places, loadPlaces } from './places.js'
import { Segments } from './segments.js'
import {
  attempt, change, classes, clock, commit, decide, hooks, interval, isPoints, loadNews,
  loadProject, loadUncertain, look, named, offer, open, openUncertain, outbox, state, theirs,
  tiers, time, watchJob,
} from './state.js'
import { Statistics } from './statistics.js'
import * as tour from './tour.js'
import { Icon } from './shared/icons.js'
import { THEMES, setTheme, theme } from './shared/kept.js'
import { gaps } from './shared/labels.js'
import { Picture } from './shared/picture.js'
import { Timeline, place } from './shared/timeline.js'
import { Transport, begin } from './shared/transport.js'
import { html, useEffect } from './shared/vendor/preact.js'

const visit = ({ who, tier }, frame) =>
  attempt(() => open(who.id, frame)).then(() => ((state.tier = tier), change()))
Object.assign(hooks, { commit, disputed, keyOf, poses, select, theirs, visit })

function Saved() {
  const { problem, items } = outbox
  const words = problem ? `not saved: ${problem}` : items.length ? 'saving' : 'saved'
  const role = problem ? 'alert' : 'none'
  return html`<span class=${`saved ${problem ? 'bad' : ''}`} role=${role}>${words}</span>`
}

/** What runs, what is selected, or what to do next. */
function Now() {
  const { running, filling, mark, selection, unsure, recording } = state
  const runs = Object.entries(running)
  const tier = (i) => (tiers().length > 1 ? `${tiers()[i].name}: ` : '')
  const ran = ([i, { label, start }]) =>
    `${tier(i)}${named(label, i)} since ${time(start)}; ${keyOf(label, +i)} ends it, another class goes on`
  const check = () => {
    const { start, end } = unsure
    const open = recording.labels.some((list, i) => !isPoints(i) && gaps(list, start, end).length)
    if (open) return `To check ${interval(start, end)}: ${unsure.reason}`
    return state.uncertain.length
      ? 'Checked; Tab: the next uncertain segment'
      : 'No uncertain segment is left: train again, or export the labels'
  }
  const chosen = () =>
    `${selection.segment ? 'Selected' : 'Marked'} ` +
    `${interval(selection.start, selection.end)}; a class key labels it, Esc lets go`
  const active = filling
    ? 'Press the key of the class that fills all gaps' + (selection ? ' of the selection' : '')
    : runs.length
      ? `Labelling ${runs.map(ran).join('; ')}`
      : mark !== null && `Interval since ${time(mark)}, press O to end`
  if (active) return html`<p class="line active">${active}</p>`
  const forms = notes()
  if (forms.length) return forms
  const words = selection ? chosen() : unsure && check()
  if (words) return html`<p class="line">${words}</p>`
  if (state.comparison || offer()) return null
  const next = !classes().length
    ? 'Add a class first: press A and type its name'
    : recording.labels.every((list) => !list.length)
      ? 'Play, and press the key of a class where an action starts'
      : 'Select a segment to see its times and notes here'
  return html`<p class="line quiet">${next}</p>`
}

/** Asks which labels a recording shall have, where a file has others. */
function Offered() {
  const one = !state.comparison && offer()
  if (!one) return null
  const { file, is_conflict: other } = one
  const answer = (taken) => () => attempt(() => decide([one], taken))
  return html`<div class="offer field" role="group" aria-label=${`Labels of ${file}`}>
    <p>
      ${file} has ${other ? 'other labels than you' : 'labels where you have none'}, framed by
      ${' '}dots.
    </p>
    <button class="main" onClick=${answer(true)}>Take them over</button>
    <button onClick=${answer(false)}>Leave as it is</button>
  </div>`
}

/** The picture, with places over it, or what to do first. */
function Seen() {
  const { id, name } = state.recording
  const video = `${path(id)}/video`
  const broken = () =>
    attempt(async () => {
      await check(video)
      throw new Error(`this browser cannot play the video of ${name}`)
    })
  const isMade = state.project.conversion.state === 'running'
  return html`<${Picture}
    video=${`api/${video}`} broken=${broken}
    absent=${isMade ? 'The video is being converted.' : 'There is nothing to see.'}
  ><${Places} /><${tour.Empty} /></${Picture}>`
}

/** How far the timeline is zoomed in, from 0 to 1. */
function zoomed() {
  const { recording, view } = state
  const { frames } = recording
  return Math.log(frames / (view.end - view.start)) / Math.log(Math.max(2, frames / 20))
}

/** Why a button of that name cannot be pressed, as far as it is known. */
function isOff(name) {
  const { can_undo, can_redo } = state.project
  const { drawn, undrawn } = state
  const off = { Undo: !can_undo && !drawn, Redo: !can_redo && !undrawn, 'Next uncertain': !state.uncertain.length }
  for (const one of ['Accept', 'Accept interval']) off[one] = !state.recording.predictions
  for (const one of ['Split', 'Merge']) off[one] = isPoints()
  return off[name]
}

/** Keys as their signs, which are shorter. */
const signs = (keys) =>
  keys.replace('Shift ', '⇧').replace('Enter', '↵').replace('Tab', '⇥').replace('Page Up', 'PgUp').replace('Page Down', 'PgDn')

/** Buttons of the table of keys: those of a group, or those of some names. */
function Buttons({ group, names }) {
  const rows = groups.filter(([title]) => !group || title === group).flatMap(([, rows]) => rows)
  return rows
    .filter(([, , , , name]) => name && (!names || names.includes(name)))
    .map(
      ([keys, shown, words, deed, name, icon]) => html`<button
        class="tool" disabled=${isOff(name)} onClick=${() => deed(keys)} title=${words}
      >
        <${Icon} name=${icon} /><span>${name}</span> <kbd>${signs(keyShown(keys, shown))}</kbd>
      </button>`,
    )
}

/** What a mark in the timeline means. */
function Legend() {
  const { recording, project } = state
  return html`<span class="legend">
    ${project.preview && html`<span class="preview" title="A finished training replaces them">
      ${project.first ? 'First model; the training goes on' : 'Preview: predictions of a simple model'}
    </span>`}
    ${recording.seen.some((row) => row.length) && html`<span class="learnt"
      title="Hatched predictions are of what the model has learnt from: they say little about other recordings. The scores at Training are of recordings that it has not seen."
    >seen in training</span>`}
  </span>`
}

function Play() {
  const { recording, picture } = state
  const { start, end } = state.view
  const width = recording.frames
  const setZoom = ({ target }) => {
    const wide = width / Math.max(2, width / 20) ** target.value
    const middle = state.frame >= start && state.frame <= end ? state.frame : (start + end) / 2
    look(middle - wide / 2, middle + wide / 2)
  }
  const steps = html`<span class="steps icons"><${Buttons} names=${['Previous', 'Next', 'Loop']} /></span>`
  return html`<${Transport} steps=${steps} legend=${html`<${Legend} />`}>
    ${recording.video && recording.skeleton && html`<label>Show
      <select
        value=${picture ?? 'both'}
        onChange=${({ target }) => ((state.picture = target.value), change())}
      >
        <option value="both">video and skeleton</option>
        <option value="video">video</option>
        <option value="skeleton">skeleton</option>
      </select>
    </label>`}
    <input
      id="zoom" type="range" min="0" max="1" step="0.01" value=${zoomed()}
      aria-label="Zoom" title="Zoom" onInput=${setZoom}
    />
  </${Transport}>`
}

function acceptSure(event) {
  event.preventDefault()
  acceptAbove(+event.target.elements.percent.value)
  focusTimeline()
}

function Tools() {
  const guess = state.recording.predictions
  return html`<div class="tools">
    <div role="group" aria-label="Label">
      <${Buttons} group="Label" /><${Buttons} names=${['Next gap']} />
    </div>
    <div role="group" aria-label="Correct">
      <${Buttons} names=${['Split', 'Merge', 'Delete']} />
    </div>
    ${
      // Their keys settle disagreements while observers are compared.
      !state.comparison && html`<div role="group" aria-label="Check">
        <${Buttons} group="Check predictions" />
        <form onSubmit=${acceptSure}>
          <button disabled=${!guess} title="of the marked interval, or else of the recording">
            Accept from
          </button>
          <label><input
            name="percent" type="number" min="0" max="100" defaultValue="90"
            aria-label="Confidence in percent"
          /> %</label>
        </form>
      </div>`
    }
  </div>`
}

/** What is needed rarely. */
const Menu = () => html`<details class="menu">
  <summary aria-label="Menu" title="Menu"><${Icon} name="menu" /></summary>
  <div>
    <button onClick=${() => ((state.help = true), change())}>All keys <kbd>?</kbd></button>
    <button onClick=${tour.begin}>Look around</button>
    <label class="field">Theme
      <select value=${theme()} onChange=${({ target }) => setTheme(target.value)}>
        ${THEMES.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>
  </div>
</details>`

const FoldButton = ({ side, name }) => html`<button
  class="plain" aria-label=${name} title=${name} aria-pressed=${!isFolded(side)}
  onClick=${() => fold(side)}
><${Icon} name=${side} /></button>`

function Header() {
  const { project, recording } = state
  const { length } = state.uncertain
  return html`<header>
    ${project && html`<${FoldButton} side="left" name="List of recordings" />`}
    <h1>${project?.name ?? 'Studio'}</h1>
    ${project?.observer && html`<span>observer ${project.observer}</span>`}
    ${project && html`<${Saved} />`}
    ${recording && html`<span class="quiet">
      ${length > 0 && `Uncertain segments: ${openUncertain().length} here, ${length} in all`}
    </span>
    <span class="steps"><${Buttons} names=${['Undo', 'Redo']} /></span>`}
    ${project && html`<${Menu} /><${FoldButton} side="right" name="Panels" />`}
  </header>`
}

function Help() {
  const close = () => ((state.help = false), change())
  useEffect(() => () => setTimeout(focusTimeline), [])
  const show = (dialog) => dialog && !dialog.open && dialog.showModal()
  const row = (key, words) => html`<div><dt><kbd>${key}</kbd></dt><dd>${words}</dd></div>`
  const section = (title, rows) => html`<section><h2>${title}</h2><dl>${rows}</dl></section>`
  const described = ({ name, description }) =>
    html`${name}${description && html`<span class="quiet">: ${description}</span>`}`
  return html`<dialog ref=${show} onClose=${close} aria-label="Keys">
    <form method="dialog"><button>Close</button></form>
    <div class="help">
      ${[...groups, ['While observers are compared', settling]].map(([title, rows]) =>
        section(title, rows.map(([names, shown, words]) => row(keyShown(names, shown), words))),
      )}
      ${tiers().map(({ name, classes }, tier) =>
        section(
          `Classes${name && ` of ${name}`}`,
          classes.map((one) => row(keyOf(one.id, tier), described(one))),
        ),
      )}
    </div>
  </dialog>`
}

/** Asks for the rate of poses whose files do not state it. */
function Rate() {
  const { unrated } = state.project
  const [first] = unrated.map((path) => path.split(/[\\/]/).at(-1))
  const more = unrated.length > 1 ? ` and ${unrated.length - 1} more do` : ' does'
  const send = (event) => {
    event.preventDefault()
    attempt(async () => {
      await post('rate', { fps: +event.target.elements.fps.value })
      location.reload()
    })
  }
  return html`<form class="empty" onSubmit=${send}>
    <p>${first}${more} not say how many frames a second has. How many does the camera record?</p>
    <label class="field">Frames per second
      <input name="fps" type="number" min="0.01" step="any" required />
    </label>
    <button class="main">Open</button>
  </form>`
}

/** The page while it has nothing to show yet. */
const Opening = () => html`<main class="opening" aria-busy="true">
  <div class="recordings bone" />
  <div class="stage">
    <div class="picture bone"><p>Opening the folder</p></div>
    <div class="now bone" /><div class="timeline bone" /><div class="now bone" />
  </div>
  <div class="side bone" />
</main>`

function App() {
  const { project, recording, alert, said, help } = state
  return html`
    <${Header} />
    ${alert && html`<div role="alert" class="alert">
      <p>${alert}</p>
      <button onClick=${() => ((state.alert = null), change())}>Dismiss</button>
    </div>`}
    ${!project && !alert && html`<${Opening} />`}
    ${project && html`<main>
      ${!isFolded('left') && html`<${Recordings} /><${Edge} side="left" />`}
      <div class="stage">
        ${project.unrated.length > 0 && html`<${Rate} />`}
        ${!project.recordings.length && !project.unrated.length && html`<p class="empty">This folder has no recordings.</p>`}
        ${recording && html`
          <${Seen} />
          <${Play} />
          <div class="now"><${Now} /><${Dispute} /><${Offered} /></div>
          <${Timeline} />
          <${Tools} />
          <div class="lists"><${Segments} /><${Statistics} /><${History} /></div>`}
      </div>
      ${project.recordings.length > 0 && !isFolded('right') && html`<${Edge} side="right" />
        <div class="side">
          <${Classes} /><${Training} /><${Observers} /><${PlacePanel} /><${Export} />
        </div>`}
    </main>`}
    <p class="said" role="status" aria-live="polite">${said}</p>
    <${tour.Tour} />
    ${help && html`<${Help} />`}`
}

// What follows the frame without the page being made anew

let noted = 0
function note() {
  clearTimeout(noted)
  noted = setTimeout(remember, 500)
}

function remember() {
  const { recording, frame } = state
  if (recording) history.replaceState(null, '', `#${encodeURIComponent(recording.id)}/${frame}`)
}
addEventListener('pagehide', remember)

function follow() {
  const { frame, recording, playing } = state
  const words = `${time(frame)} / ${clock(recording.frames / recording.fps)} · frame ${frame}`
  document.getElementById('time').textContent = words
  document.getElementById('zoom').value = zoomed()
  if (playing) return
  const slider = document.getElementById('timeline')
  slider.setAttribute('aria-valuenow', frame)
  slider.setAttribute('aria-valuetext', place())
  note()
}
begin(() => html`<${App} />`, pressed, follow)

const USED = 'button, summary, [type=checkbox], [type=radio], [type=range], .picture, canvas'

// After a click the keys are the timeline's again, after a key on a button they stay there.
document.addEventListener('click', ({ target, detail }) => {
  const menu = document.querySelector('.menu')
  if (menu && !target.closest('.menu :is(summary, label)')) menu.open = false
  const used = target.closest(USED)
  if (detail && used && !target.closest('form, dialog') && !state.help) {
    setTimeout(() => document.activeElement.closest('form') || focusTimeline())
  }
})

let mouse = false
addEventListener('pointerdown', () => (mouse = true), true)
addEventListener('keydown', () => (mouse = false), true)
document.addEventListener('change', ({ target }) => {
  if (mouse && target.matches('select')) focusTimeline()
})

addEventListener('beforeunload', (event) => {
  if (outbox.items.length) event.preventDefault()
})

async function load() {
  await loadProject()
  await watchJob()
  const { recordings } = state.project
  const [id, frame] = location.hash.slice(1).split('/')
  const known = recordings.find((r) => encodeURIComponent(r.id) === id)
  // One whose files are damaged does not keep the others from being opened.
  if (recordings.length) {
    await attempt(() => open((known ?? recordings[0]).id, known ? +frame || 0 : 0))
  }
  await attempt(loadPlaces)
  await loadUncertain()
  // Somebody may type the first name already.
  document.activeElement.closest('form') || focusTimeline()
  if (state.recording) tour.invite()
  await loadNews()
}
attempt(load)
