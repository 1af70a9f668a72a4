// Comparing one's labels with those of another observer, and settling what differs.
import { Fold, Panel } from './fold.js'
import {
  attempt, change, classes, commit, edit, interval, labels, named, nextPlace, open, outbox, say, show,
  state, theirs, tiers,
} from './state.js'
import { at, inside, joined, withRest } from './shared/labels.js'
import { seek } from './shared/player.js'
import { html } from './shared/vendor/preact.js'

const nameOf = (observer) => observer || 'the first observer'

// Which disagreement is next

const KEYS = ['recording', 'tier', 'start', 'end']
const isSame = (a, b) => KEYS.every((key) => a?.[key] === b?.[key])
const all = () => state.comparison?.disagreements ?? []

/** What isn't settled; what is undecided comes when nothing else is left. */
function unsettled() {
  const fresh = all().filter(({ take }) => !take)
  return fresh.length ? fresh : all().filter(({ take }) => take === 'undecided')
}

/** The shown disagreement, as long as there is one and its recording is open. */
export const disputed = () => {
  const one = all().find((one) => isSame(one, state.disputed))
  return one?.recording === state.recording?.name ? one : undefined
}

async function next(by) {
  await outbox.empty()
  const list = unsettled()
  if (!list.length) {
    state.disputed = null
    return say('no disagreement is left')
  }
  const place = nextPlace(list, state.disputed, by, KEYS)
  const { recording, tier, start, end } = list[place]
  if (recording !== state.recording.name) {
    await open(state.project.recordings.find(({ name }) => name === recording).id, start)
  }
  Object.assign(state, { disputed: { ...list[place], place }, tier, selection: null, unsure: null })
  seek(start)
  show(start, end)
  say(`disagreement ${place + 1} of ${list.length}, ${interval(start, end)}`)
}

// Settling it

/** The id of their class, which is added to the tier if it isn't there yet. */
async function idOf(name, tier) {
  const known = () => classes(tier).find((one) => one.name === name)
  if (!known()) await edit((wanted) => wanted[tier].classes.push({ name }), `added ${name}`)
  return known()?.id
}

async function settle(take) {
  const one = disputed()
  if (!one) return say('no disagreement is shown; Tab goes to the next one')
  const { tier, start, end, mine } = one
  const settled = { observer: state.comparison.observer, take, start, end }
  let wanted = asIs(at(labels(tier), start))
  let words = take === 'undecided' ? take : named(mine, tier)
  if (take === 'theirs') {
    wanted = await theirLabels(one)
    if (!wanted || !isSame(one, disputed())) return
    words = one.theirs
  }
  if (await commit(wanted, `${words} ${interval(start, end)}`, tier, { settled })) await next(1)
}

const asIs = (segment) => ({ start: segment[0], end: segment[1], segments: [segment] })

/** The edit that takes their labels, also where little would be left of either bout. */
async function theirLabels({ tier, start, end }) {
  const list = theirs()[tier]
  const [from, to] = withRest([labels(tier), list], start, end)
  const segments = []
  for (const [s, e, , , name] of inside(list, from, to)) {
    const kind = await idOf(name, tier)
    if (kind === undefined) return null
    segments.push([s, e, kind])
  }
  return joined(labels(tier), { start: from, end: to, segments })
}

const settling = (take) => () => attempt(() => settle(take))

/** The keys while observers are compared, as in the table of all keys. */
export const rows = [
  ['Enter', 'Enter', 'take their label', settling('theirs'), 'Take theirs'],
  ['Shift+Enter', 'Shift Enter', 'keep my label', settling('mine'), 'Keep mine'],
  ['Ctrl+Enter', 'Ctrl Enter', 'leave it undecided', settling('undecided'), 'Undecided'],
  ['Tab', 'Tab', 'next disagreement (in the timeline)', () => attempt(() => next(1)), 'Next'],
  ['Shift+Tab', 'Shift Tab', 'previous disagreement', () => attempt(() => next(-1))],
]

// Beginning and ending

async function compare(observer) {
  const { compared } = state.project
  const asked =
    `Compare with ${nameOf(observer)}? You see their labels from now on, so what you label ` +
    'later is no longer independent of theirs. The project remembers that.'
  if (!compared.includes(observer) && !confirm(asked)) return
  const reply = await outbox.send('compare', { observer })
  if (!reply) return
  state.comparison = reply
  if (!compared.includes(observer)) compared.push(observer)
  await next(1)
}

function close() {
  state.comparison = state.disputed = null
  change()
}

// What is shown

const count = (many) => `${many} ${many === 1 ? 'disagreement' : 'disagreements'}`

/** The shown disagreement, and what may be done about it. */
export function Dispute() {
  if (!state.comparison) return null
  const one = disputed()
  const who = nameOf(state.comparison.observer)
  const left = unsettled().length
  const said = one && `${interval(one.start, one.end)}: ${named(one.mine, one.tier)} (you), ${one.theirs} (${who})`
  const words = said ? `Disagreement in ${one.recording} ${said}` : left ? `${count(left)} with ${who}` : 'No disagreement is left'
  return html`<div class="offer field" role="group" aria-label="Disagreement">
    <p>${words}</p>
    ${rows.filter((row) => row[4]).map(
      ([, shown, title, deed, name]) => html`<button
        title=${title} disabled=${name === 'Next' ? !left : !one} onClick=${deed}
      >${name} <kbd>${shown}</kbd></button>`,
    )}
    <button onClick=${close}>Close</button>
  </div>`
}

const number = (value, digits) => (value === null ? '–' : value.toFixed(digits))

function Scores({ title, rows }) {
  return html`<table>
    <thead><tr><th>${title}</th><th>kappa</th><th>F1@50</th></tr></thead>
    <tbody>
      ${rows.map(
        ([name, row]) => html`<tr>
          <th scope="row">${name}</th><td>${number(row.kappa, 2)}</td><td>${number(row.f1, 1)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`
}

function Agreement({ tier, kappa, f1, classes, recordings }) {
  const rows = [['all', { kappa, f1 }], ...classes.map((one) => [`class ${one.class}`, one])]
  return html`<${Scores} title=${tier} rows=${rows} />
    <${Fold} title="Each recording" name=${`recordings ${tier}`}><${Scores} title=${tier} rows=${Object.entries(recordings)} /></${Fold}>`
}

/** Who has labelled here, and how far their labels agree with these. */
export function Observers() {
  const { observer, others, compared } = state.project
  const { comparison } = state
  if (!observer && !others.length) return null
  const taken = (take) => all().filter((one) => one.take === take).length
  return html`<${Panel} title="Observers" begins=${true}>
    <p>${observer ? `You label as ${observer}.` : 'You label without a name.'}</p>
    ${others.map(
      (other) => html`<button onClick=${() => attempt(() => compare(other))}>
        Compare with ${nameOf(other)}
      </button>`,
    )}
    ${compared.length > 0 && html`<p class="quiet">
      You have seen the labels of ${compared.map(nameOf).join(', ')}.
    </p>`}
    ${comparison && html`
      <p>
        ${count(all().length)}: ${taken('mine')} kept, ${taken('undecided')} undecided,
        ${' '}${taken('')} open.
      </p>
      ${comparison.overall.map((one) => html`<${Agreement} ...${one} />`)}
      ${comparison.notes.map((note) => html`<p class="quiet">${note}</p>`)}`}
  </${Panel}>`
}

/** Whether a recording has disagreements to settle. */
export const isDisputed = ({ name }) => unsettled().some((one) => one.recording === name)
