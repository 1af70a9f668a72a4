// The keys: one table that acts, is shown as help, and makes the buttons.
import * as act from './actions.js'
import { reach } from './fold.js'
import { rows } from './observers.js'
import { travelAny } from './places.js'
import { atOpened, change, isOpening, isPoints, state, tiers, zoom } from './state.js'
import { faster, toggle } from './shared/player.js'

// Names of keys, how they are shown, what they do in words, the deed, a button's name and icon.
export const groups = [
  ['Play and move', [
    [' ', 'Space', 'play or pause', toggle],
    ['ArrowLeft ArrowRight', '← →', 'one frame',
      (key) => act.step(key === 'ArrowLeft' ? -1 : 1)],
    ['Shift+ArrowLeft Shift+ArrowRight', 'Shift ← →', 'one second',
      (key) => act.second(key === 'Shift+ArrowLeft' ? -1 : 1)],
    ['PageUp', 'Page Up', 'previous boundary', () => act.boundary(-1), 'Previous', 'back'],
    ['PageDown', 'Page Down', 'next boundary', () => act.boundary(1), 'Next', 'forward'],
    ['Home End', 'Home End', 'start, end', (key) => act.step(key === 'Home' ? -1e9 : 1e9)],
    [', .', ', .', 'slower, faster', (key) => faster(key === ',' ? -1 : 1)],
    ['l', 'L', 'loop around the nearest boundary', act.loop, 'Loop', 'loop'],
    ['u', 'U', 'next interval without label', () => act.gap(1), 'Next gap', 'gap'],
    ['Shift+u', 'Shift U', 'previous interval without label', () => act.gap(-1)],
    ['n p', 'N P', 'next, previous recording', (key) => act.recording(key === 'n' ? 1 : -1)],
    ['/', '/', 'find a recording by its name', () => reach('find', 'left', 'Recordings')],
    ['ArrowUp ArrowDown', '↑ ↓', 'tier above, below',
      (key) => act.chooseTier(key === 'ArrowUp' ? -1 : 1)],
    ['+ = -', '+ −', 'zoom', (key) => zoom(key === '-' ? 2 : 0.5)],
  ]],
  ['Label', [
    ['', '1–9, letters', 'a class begins here; again: it ends here; another: that one goes on'],
    ['', 'Alt letter', 'what the letter does where a class has it as its key'],
    ['0', '0', 'the same with “no label”: nothing is learnt from it', () => act.press(-1)],
    ['Escape', 'Esc', 'cancel; else leave the timeline', leave],
    ['f', 'F', 'fill all gaps with the class whose key comes next', act.startFilling, 'Fill gaps', 'fill'],
    ['i', 'I', 'an interval begins here', act.markIn, 'In', 'in'],
    ['o', 'O', 'the interval ends here; a class key labels it', act.markOut, 'Out', 'out'],
    ['g', 'G', 'select the segment, prediction or gap here; a class key labels it', act.select],
    ['a', 'A', 'add a class', () => reach('add', 'right', 'Classes')],
  ]],
  ['Correct', [
    ['[ ]', '[ ]', 'nearest boundary one frame earlier, later',
      (key) => act.nudge(key === '[' ? -1 : 1)],
    ['{ }', 'Shift [ ]', 'ten frames', (key) => act.nudge(key === '{' ? -10 : 10)],
    ['s', 'S', 'split here', act.split, 'Split', 'split'],
    ['m', 'M', 'merge with the next segment', act.merge, 'Merge', 'merge'],
    ['Delete Backspace', 'Del', 'delete the labels selected or here', act.remove, 'Delete', 'delete'],
    ['Ctrl+z', 'Ctrl Z', 'undo', () => travelAny('undo', 'undone'), 'Undo', 'undo'],
    ['Ctrl+Shift+z Ctrl+y', 'Ctrl Y', 'redo', () => travelAny('redo', 'redone'), 'Redo', 'redo'],
  ]],
  ['Check predictions', [
    ['Tab', 'Tab', 'next uncertain segment (in the timeline)', () => act.nextUncertain(1), 'Next uncertain', 'doubt'],
    ['Shift+Tab', 'Shift Tab', 'previous uncertain segment', () => act.nextUncertain(-1)],
    ['Enter', 'Enter', 'accept the predicted segment here, of an uncertain interval what lies in it', act.accept, 'Accept', 'accept'],
    ['Shift+Enter', 'Shift Enter', 'accept all of the uncertain segment or the marked interval',
      act.acceptInterval, 'Accept interval', 'all'],
  ]],
  ['Mouse', [
    ['', 'Click', 'go there, select the segment'],
    ['', 'Shift drag', 'mark an interval'],
    ['', 'Drag a boundary', 'move it, to changes of motion nearby; with Alt, anywhere'],
    ['', 'Wheel', 'zoom the timeline, or the picture; with Shift, move along'],
    ['', 'Drag', 'move the timeline or the picture; on the times, the playhead'],
  ]],
  ['This help', [['?', '?', 'show, hide', () => ((state.help = !state.help), change())]]],
]

/** The deeds of rows by the names of keys. */
const deedsOf = (rows) =>
  new Map(
    rows.flatMap(([names, , , deed]) =>
      (names === ' ' ? [' '] : names.split(' ').filter(Boolean)).map((name) => [name, deed]),
    ),
  )
const deeds = deedsOf(groups.flatMap(([, rows]) => rows))
const settling = deedsOf(rows)

const free = [...'abcdefghijklmnopqrstuvwxyz'].filter((letter) => !deeds.has(letter))
const classKeys = [...'123456789', ...free, ...free.map((letter) => `Shift+${letter}`)]

let given = { of: null, keys: [] } // the keys of classes, kept until these change

/** The keys of the classes, by tier and id: the chosen ones, free ones for others. */
function keysOfAll() {
  if (given.of === tiers()) return given.keys
  const taken = [] // a moment is marked from any tier, so its key is nobody else's
  const keys = tiers().map(({ classes, kind }) => {
    const chosen = classes.map(({ key }) => (/^[A-Z]$/.test(key) ? `Shift+${key.toLowerCase()}` : key))
    const others = kind === 'points' ? [...chosen, ...taken] : chosen
    const rest = classKeys.filter((key) => !others.includes(key))
    const own = new Map(classes.map(({ id }, i) => [id, chosen[i] || rest.shift()]))
    taken.push(...own.values())
    return own
  })
  given = { of: tiers(), keys }
  return keys
}

/** The tier and id of the class that a key means: of this tier, else one that chose it. */
function classWith(name) {
  const all = keysOfAll()
  for (const tier of [state.tier, ...all.keys()]) {
    const found = tiers()[tier].classes.find(
      ({ id, key }) =>
        (key || tier === state.tier || isPoints(tier)) && all[tier].get(id) === name,
    )
    if (found) return [tier, found.id]
  }
  return null
}

/** The key of a class, as it is shown. */
export const keyOf = (label, tier = state.tier) =>
  label === -1 ? '0' : (keysOfAll()[tier].get(label) ?? '').replace('Shift+', '⇧').toUpperCase()

/** The keys of a deed, as they are shown: with Alt where a class has one. */
export function keyShown(names, shown) {
  const [keys, words] = [names.split(' '), shown.split(' ')]
  const each = keys.length === words.length ? words : [shown]
  return each.map((word, i) => (classWith(keys[i]) ? `Alt ${word}` : word)).join(' ')
}

/** The name of a pressed key: digits by place, since some keyboards shift them. */
function nameOf(event) {
  let { key } = event
  const { code, shiftKey, ctrlKey, metaKey } = event
  const graph = event.getModifierState('AltGraph')
  if (event.altKey && !graph) {
    const [, letter] = /^(?:Key|Digit)(.)$/.exec(code) ?? []
    return letter ? `Alt+${letter.toLowerCase()}` : ''
  }
  if (/^(Digit|Numpad)\d$/.test(code) && key.length === 1 && !shiftKey && !graph) {
    key = code.slice(-1)
  }
  if (/^[A-Z]$/.test(key)) key = key.toLowerCase()
  const shift = shiftKey && (key.length > 1 || /[a-z]/.test(key)) ? 'Shift+' : ''
  return ((ctrlKey || metaKey) && !graph ? 'Ctrl+' : '') + shift + key
}

export const focusTimeline = () =>
  document.getElementById('timeline')?.focus({ preventScroll: true })

function leave() {
  if (!act.cancel()) document.querySelector('.lists summary')?.focus()
}

// Keys that are pressed while a recording is loaded are for that one.
const waiting = []
atOpened(() => {
  for (const event of waiting.splice(0)) pressed(event)
})

export function pressed(event) {
  const { target } = event
  const name = nameOf(event)
  if (target.closest('input, select, textarea')) {
    if (name === 'Escape') focusTimeline()
    return
  }
  if (!state.project || (state.help && name !== '?')) return
  if ([' ', 'Enter'].includes(name) && target.closest('button, a, summary')) return
  if (/Tab$/.test(name) && target.id !== 'timeline') return
  const settles = state.comparison ? settling : new Map()
  if (/Tab$/.test(name) && !state.uncertain.length && !settles.size) return
  const found = classWith(name)
  const deed = found
    ? () => act.press(found[1], found[0])
    : (settles.get(name) ?? deeds.get(name.replace('Alt+', '')))
  if (!deed || (event.repeat && found)) return
  event.preventDefault()
  // A name is typed after the key that leads to its field.
  if (isOpening() && (found || !/^(Alt\+)?[a/]$/.test(name))) waiting.push(event)
  else deed(name)
}
