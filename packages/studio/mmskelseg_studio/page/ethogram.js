// The panel of the classes: their keys label, and forms change them and their tiers.
import { press } from './actions.js'
import { Panel } from './fold.js'
import { focusTimeline, keyOf } from './keys.js'
import {
  addClasses, attempt, change, classes, edit, isPoints, labels, outbox, state, tiers,
} from './state.js'
import { total } from './statistics.js'
import { html, useLayoutEffect, useRef, useState } from './shared/vendor/preact.js'

/** The classes of the tier that is labelled, in a copy of all tiers. */
const own = (wanted) => wanted[state.tier].classes
const placeOf = (list, { id }) => list.findIndex((one) => one.id === id)

async function remove(one) {
  await outbox.empty()
  const { recordings } = state.project
  const [labels] = total(recordings, state.tier, one.id)
  const having = recordings.filter((each) => total([each], state.tier, one.id)[0]).length
  const many = `${labels} ${labels === 1 ? 'label' : 'labels'} in ${having} of the recordings`
  const asked = `“${one.name}” has ${many}. Delete it and them? Undo (Ctrl Z) brings both back.`
  if (labels && !confirm(asked)) return
  delete state.running[state.tier]
  state.selection = null
  focusTimeline()
  await edit((wanted) => own(wanted).splice(placeOf(own(wanted), one), 1), `deleted ${one.name}`)
}

async function move(one, by, { target }) {
  await edit((wanted) => {
    const place = placeOf(own(wanted), one)
    const [moved] = own(wanted).splice(place, 1)
    own(wanted).splice(Math.max(0, place + by), 0, moved)
  }, `moved ${one.name}`)
  // To be drawn elsewhere takes the focus away, unless somebody is in a field already.
  requestAnimationFrame(() => document.activeElement.closest('form') || target.focus())
}

const FIELDS = ['name', 'key', 'group', 'description']

function Form({ one, close }) {
  const form = useRef()
  // At once: later, it would take the focus from a field that is already typed into.
  useLayoutEffect(() => form.current.elements.name.select(), [])
  const save = async (event) => {
    event.preventDefault()
    const { elements } = form.current
    const values = Object.fromEntries(FIELDS.map((field) => [field, elements[field].value]))
    const { value } = elements.color
    if (value !== one.paint.toLowerCase()) values.color = value
    const found = (wanted) => own(wanted)[placeOf(own(wanted), one)]
    if (await edit((wanted) => Object.assign(found(wanted), values), `saved ${values.name}`)) leave()
  }
  const leave = () => {
    close()
    // Somebody may be in the next form already.
    const other = document.activeElement.closest('form')
    if (!other || other === form.current) focusTimeline()
  }
  const escape = (event) => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    leave()
  }
  const field = (name, words, more = {}) => html`<label>${words}
    <input name=${name} defaultValue=${one[name]} autocomplete="off" ...${more} />
  </label>`
  return html`<form
    class="editor" ref=${form} aria-label=${`Class ${one.name}`} onSubmit=${save}
    onKeyDown=${escape}
  >
    ${field('name', 'Name')}
    ${field('key', 'Key', { maxlength: 3, placeholder: keyOf(one.id), size: 4 })}
    <label>Color <input type="color" name="color" defaultValue=${one.paint.toLowerCase()} /></label>
    ${field('group', 'Group', { list: 'groups' })}
    ${field('description', 'Description')}
    <datalist id="groups">
      ${[...new Set(classes().map(({ group }) => group))].map((group) => html`<option value=${group} />`)}
    </datalist>
    <div class="field">
      <button class="main">Save</button>
      <button type="button" aria-label="Move up" onClick=${(event) => move(one, -1, event)}>↑</button>
      <button type="button" aria-label="Move down" onClick=${(event) => move(one, 1, event)}>↓</button>
      <button type="button" onClick=${() => attempt(() => remove(one))}>Delete</button>
    </div>
  </form>`
}

function Class({ one, head, open, toggle }) {
  const { id, name, paint, description } = one
  const active = state.running[state.tier]?.label === id
  return html`${head && html`<li class="quiet">${head}</li>`}
  <li>
    <button class="class" aria-pressed=${active} title=${description} onClick=${() => press(id)}>
      <i class=${`swatch ${id < 0 ? 'none' : ''}`} style=${{ background: paint }} />
      <span>${name}${isPoints() && id >= 0 && html`<small> ${count(id)}×</small>`}</span><kbd>${keyOf(id)}</kbd>
    </button>
    ${id >= 0 &&
    html`<button
      class="plain" aria-label=${`Edit ${name}`} aria-expanded=${open}
      onClick=${() => toggle(!open)}
    >✎</button>`}
  </li>
  ${open && html`<li><${Form} one=${one} close=${() => toggle(false)} /></li>`}`
}

const count = (id) => (state.recording ? labels() : []).filter(([, , label]) => label === id).length

/** A form that hands over the text of its only field, which is as before again. */
function Add({ id, words, value = '', button, add }) {
  const submit = (event) => {
    event.preventDefault()
    const { elements } = event.target
    const name = elements.name.value.trim()
    focusTimeline()
    if (!name) return
    add(name)
    elements.name.value = value
  }
  return html`<form onSubmit=${submit}>
    <input id=${id} name="name" defaultValue=${value} placeholder=${words} aria-label=${`Name of ${value ? '' : 'a '}${words}`} autocomplete="off" />
    <button>${button}</button>
  </form>`
}

function Import() {
  const [notes, tell] = useState([])
  const add = async ({ target }) => {
    const [file] = target.files
    if (file) tell((await addClasses(file)) ?? [])
    target.value = ''
  }
  return html`<details>
    <summary>Import classes</summary>
    <p class="quiet">Of a BORIS project, an ELAN template, or a table with the column class.</p>
    <input type="file" aria-label="File of classes" onChange=${(event) => attempt(() => add(event))} />
    ${notes.length > 0 && html`<ul class="notes" aria-label="Notes on the file">
      ${notes.map((note) => html`<li>${note}</li>`)}
    </ul>`}
  </details>`
}

async function removeTier() {
  const { name } = tiers()[state.tier]
  delete state.running[state.tier]
  state.selection = null
  focusTimeline()
  await edit((wanted) => wanted.pop(), `deleted the tier ${name}`)
}

function goTo(tier) {
  Object.assign(state, { tier, selection: null })
  change()
}

function Tiers() {
  const [kind, choose] = useState('states')
  const add = async (name) => {
    const done = await edit((wanted) => {
      if (kind === 'states') wanted[0].name ||= 'actions'
      wanted.push({ name, kind, classes: [] })
    }, `added the tier ${name}`)
    if (done) goTo(tiers().length - 1)
  }
  const rename = (name) =>
    edit((wanted) => (wanted[state.tier].name = name), `renamed the tier ${name}`)
  const { name } = tiers()[state.tier]
  return html`<details>
    <summary>Tiers</summary>
    <p class="quiet">In each tier, one class holds at a time, or keys mark moments.</p>
    ${name && html`<${Add} key=${`${state.tier} ${name}`} words="this tier" value=${name} button="Rename" add=${rename} />`}
    <label class="field">Kind of the new tier
      <select value=${kind} onChange=${({ target }) => choose(target.value)}>
        <option value="states">states</option>
        <option value="points">moments</option>
      </select>
    </label>
    <${Add} words="new tier" button="Add tier" add=${add} />
    ${tiers().length > 1 && html`<button
      disabled=${classes().length || state.tier < tiers().length - 1}
      title="the last tier, if it has no classes" onClick=${() => attempt(removeTier)}
    >Delete tier</button>`}
  </details>`
}

export function Classes() {
  const [opened, toggle] = useState(null)
  const add = (name) => edit((wanted) => own(wanted).push({ name }), `added ${name}`)
  const head = (one, i) => one.group !== (classes()[i - 1]?.group ?? '') && (one.group || 'other')
  return html`<${Panel} title="Classes" begins=${true}>
    ${tiers().length > 1 &&
    html`<label class="field">Tier
      <select value=${state.tier} onChange=${({ target }) => goTo(+target.value)}>
        ${tiers().map((tier, i) => html`<option value=${i}>${tier.name || 'actions'}</option>`)}
      </select>
    </label>`}
    <ul class="classes">
      ${classes().map(
        (one, i, _, key = `${state.tier} ${one.id}`) => html`<${Class}
          key=${key} one=${one} head=${head(one, i)} open=${opened === key}
          toggle=${(open) => toggle((now) => (open ? key : now === key ? null : now))}
        />`,
      )}
      ${state.recording && html`<${Class} key="none" one=${{ id: -1, name: 'no label' }} />`}
    </ul>
    <${Add} id="add" words="new class" button="Add class" add=${add} />
    <${Import} />
    <${Tiers} />
  </${Panel}>`
}
