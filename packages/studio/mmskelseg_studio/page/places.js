// Places in the picture: of all recordings, or of the open one alone.
import { get, post } from './api.js'
import { Panel, isOpen } from './fold.js'
import { attempt, change, complain, say, state, travel } from './state.js'
import { fitted, placeOf } from './shared/picture.js'
import { html } from './shared/vendor/preact.js'

// What to do for each shape, and the least and most clicks that make one.
const SHAPES = {
  polygon: ['Click its corners in the picture; Enter ends it, Esc gives up', 3],
  line: ['Click its points in the picture; Enter ends it, Esc gives up', 2],
  circle: ['Click its centre in the picture, then its edge; Esc gives up', 2, 2],
  point: ['Click it in the picture; Esc gives up', 1, 1],
}

let draft = null // what is being drawn, of a circle its centre and a point of its edge
let grip = null // {place, corner} that is dragged
const opened = () => isOpen('Places') // then corners can be dragged

let seen = '' // what tells the places from others

function take(reply) {
  seen = reply.seen
  state.places = reply.places
  change()
}

export const loadPlaces = async () => take(await get('places'))

// The server is asked one thing after the other, since each needs what it last answered.
let last = Promise.resolve()
const inTurn = (deed) => (last = last.then(() => attempt(deed)))

/** Saves all places; one that is `added` also beside those of another window. */
const save = (added = null) => inTurn(() => write(added))

async function write(added) {
  try {
    take(await post('places', { places: state.places, seen }))
    Object.assign(state, { drawn: state.drawn + 1, undrawn: 0 })
  } catch (error) {
    await loadPlaces()
    if (error.status !== 409) throw error
    complain(new Error('another window or program changed the places, so they were loaded anew'))
    if (!added) return
    state.places.push(added)
    await write()
  }
}

/** Undoes or redoes: places if they were changed last, and else labels. */
export function travelAny(way, words) {
  const isUndo = way === 'undo'
  if (!(isUndo ? state.drawn : state.undrawn)) return travel(way, words)
  const by = isUndo ? 1 : -1
  Object.assign(state, { drawn: state.drawn - by, undrawn: state.undrawn + by })
  return inTurn(async () => {
    try {
      take(await post(`places/${way}`, { seen }))
      say(`${words}: a change of the places`)
    } catch (error) {
      await loadPlaces()
      throw error
    }
  })
}

/** The places of the open recording: its own, or else those of all. */
function here() {
  const own = state.places.filter(({ video }) => video === state.recording.name)
  return own.length ? own : state.places.filter(({ video }) => !video)
}
const isOwn = () => state.places.some(({ video }) => video === state.recording.name)

function setOwn(own) {
  const { name } = state.recording
  state.places = own
    ? [...state.places, ...here().map((one) => ({ ...one, video: name }))]
    : state.places.filter(({ video }) => video !== name)
  save()
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1])

function done() {
  const { shape, points } = draft
  const [, least] = SHAPES[shape]
  if (points.length < least) return
  const [centre, edge] = points
  const round = { points: [centre], radius: edge && distance(centre, edge) }
  const place = { ...draft, ...(shape === 'circle' ? round : {}) }
  state.places.push(place)
  draft = null
  save(place)
  say('The place is saved')
}

function add(point) {
  draft.points.push(point)
  const [, , most] = SHAPES[draft.shape]
  if (draft.points.length === most) done()
  change()
}

addEventListener('keydown', (event) => {
  if (!draft || event.target.closest('input') || !['Enter', 'Escape'].includes(event.key)) return
  event.preventDefault()
  event.stopPropagation()
  if (event.key === 'Enter') done()
  else draft = null
  change()
}, true)

const at = (event) => placeOf(event).map((value) => Math.round(value * 10) / 10)

function shapeOf({ shape, points, radius }) {
  const [[x, y], edge] = points
  if (shape === 'circle') return html`<circle cx=${x} cy=${y} r=${radius ?? (edge ? distance(points[0], edge) : 0)} />`
  if (shape === 'point') return html`<circle class="dot" cx=${x} cy=${y} r="4" />`
  const list = points.map((one) => one.join()).join(' ')
  return shape === 'polygon' ? html`<polygon points=${list} />` : html`<polyline points=${list} />`
}

/** The places over the picture, which says what of them is seen. */
export function Places() {
  if (!state.places?.length && !draft) return null
  const { scale } = fitted()
  const hold = (place, corner) => (event) => {
    grip = { place, corner }
    event.currentTarget.closest('svg').setPointerCapture(event.pointerId)
  }
  const moved = (event) => {
    if (!grip) return
    grip.place.points[grip.corner] = at(event)
    change()
  }
  const release = () => grip && ((grip = null), save())
  const used = (event) => {
    if (!draft && !opened()) return
    event.stopPropagation()
    if (draft) add(at(event))
  }
  return html`<svg
    class=${`places ${draft ? 'drawing' : opened() ? 'editing' : ''}`}
    onClick=${used} onPointerMove=${moved} onPointerUp=${release}
    role="img" aria-label="Places"
  >
    ${[...here(), ...(draft?.points.length ? [draft] : [])].map((place) => html`<g>
      ${shapeOf(place)}
      <text x=${place.points[0][0]} y=${place.points[0][1]} font-size=${13 / scale} dy=${-6 / scale}>${place.name}</text>
      ${opened() && place.points.map(([x, y], i) => html`<circle
        class="corner" cx=${x} cy=${y} r=${6 / scale}
        onPointerDown=${hold(place, i)}
      />`)}
    </g>`)}
  </svg>`
}

/** The panel: a list of places, and the form that begins another one. */
export function PlacePanel() {
  if (!state.places || !state.recording) return null
  const begin = (event) => {
    event.preventDefault()
    const { name, shape: { value: shape } } = event.target.elements
    if (!name.value.trim()) return name.focus()
    draft = { name: name.value.trim(), shape, points: [], video: isOwn() ? state.recording.name : '' }
    name.value = ''
    name.blur()
    say(SHAPES[shape][0])
  }
  const drop = (place) => {
    state.places = state.places.filter((one) => one !== place)
    save()
  }
  return html`<${Panel} title="Places">
    <ul>
      ${here().map((place) => html`<li class="field">
        <span>${place.name}</span> <span class="quiet">${place.shape}</span>
        <button aria-label=${`Delete the place ${place.name}`} onClick=${() => drop(place)}>✕</button>
      </li>`)}
    </ul>
    <form onSubmit=${begin}>
      <input name="name" placeholder="Name" aria-label="Name of a place" autocomplete="off" />
      <select name="shape" aria-label="Shape">
        ${Object.keys(SHAPES).map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
      <button>Draw</button>
    </form>
    ${draft && html`<p>${SHAPES[draft.shape][0]}.</p>`}
    ${here().length > 0 && html`<label class="field">
      <input type="checkbox" checked=${isOwn()} onChange=${({ target }) => setOwn(target.checked)} />
      only in this recording
    </label>`}
    <p class="quiet">A line called “40 cm” says how long it is. All is saved in places.geojson; Ctrl Z undoes it.</p>
  </${Panel}>`
}
