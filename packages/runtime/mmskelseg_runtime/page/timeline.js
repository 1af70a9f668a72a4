// The timeline: its canvas, and the mouse on it.
import { AXIS, OVERVIEW, drawOn, layout, scales } from './drawing.js'
import { at, move, nearest, turns } from './labels.js'
import { seek } from './player.js'
import {
  change, clock, hooks, isPoints, labels, look, named, noteOf, pan, predictions, say, seen, state, interval,
  tiers, time, zoom,
} from './view.js'
import { html, useEffect, useRef } from './vendor/preact.js'

let canvas = null
let drag = null // what the mouse does: {kind, ...}

function hit(event) {
  const plan = layout()
  const { near, far } = scales(plan)
  const box = canvas.getBoundingClientRect()
  const [x, y] = [event.clientX - box.left, event.clientY - box.top]
  const line = plan.rows.find((r) => y >= r.y - 4 && y < r.low.y + r.low.h + 4)
  const { frames } = state.recording
  const frame = Math.max(0, Math.min(frames - 1, Math.floor(near.frame(x))))
  const found = { x, y, near, far, frame, tier: line?.tier }
  if (y < OVERVIEW + 3) return { ...found, part: 'overview' }
  const other = plan.below.find((row) => y >= row.y && y < row.y + row.h)
  if (other) return { ...found, other, part: 'other' }
  if (!line) return { ...found, part: y < plan.axis + AXIS ? 'axis' : 'speed' }
  if (x < plan.gutter) return { ...found, part: 'name' }
  const isRow = hooks.commit && y <= line.y + line.h && !isPoints(line.tier)
  const boundary = isRow ? nearest(labels(line.tier), near.frame(x)) : null
  const reach = event.pointerType === 'touch' ? 14 : 5
  if (boundary !== null && Math.abs(near.x(boundary) - x) <= reach) {
    return { ...found, part: 'boundary', boundary }
  }
  const low = y >= line.low.y && y < line.low.y + line.low.h
  return { ...found, low, part: y <= line.y + line.h + 1 ? 'labels' : 'predictions' }
}

/** What lies under the mouse, in words, since short segments have no room for names. */
function titleOf({ part, tier, frame, low, other }) {
  if (part === 'name') return tiers()[tier].name
  if (other) {
    const own = at(other.who.labels[other.tier] ?? [], frame)
    return `${other.who.name}: ${own ? named(own[2], other.tier) : 'no label'}`
  }
  if (!low) {
    const own = ['labels', 'boundary'].includes(part) && at(labels(tier), frame)
    return own ? named(own[2], tier) : ''
  }
  const one = at(predictions(tier), frame)
  return one ? `${named(one[2], tier)}, ${sureness(one, tier, frame)}` : ''
}

/** How sure a prediction is, unless the model has learnt from the label there. */
function sureness([, , , score], tier, frame) {
  const known = seen(tier).some(([start, end]) => start <= frame && frame < end)
  return `${Math.round(score * 100)} %` + (known ? ', seen in training' : '')
}

const cursors = { boundary: 'ew-resize', axis: 'col-resize', overview: 'grab', name: 'pointer', other: 'pointer' }

const PANNED = ['labels', 'predictions', 'speed', 'other'] // by dragging
const SNAP = 7 // pixels within which a boundary goes to a change of motion

const turnsHere = () => {
  const { speed, frames, fps } = state.recording
  return speed ? turns(speed, frames, fps) : []
}

function center(found) {
  const { start, end } = state.view
  const middle = found.far.frame(found.x)
  look(middle - (end - start) / 2, middle + (end - start) / 2)
}

function down(event) {
  if (event.button) return
  const found = hit(event)
  canvas.setPointerCapture(event.pointerId)
  if (found.tier !== undefined) state.tier = found.tier
  drag = { ...found, kind: found.part, from: found.x, view: state.view, moved: false }
  if (found.part === 'overview') center(found)
  else if (event.shiftKey && hooks.commit) drag.kind = 'interval'
  else if (found.part === 'axis') seek(found.frame, false)
  else if (found.part === 'boundary') drag.turns = turnsHere()
  change()
}

function motion(event) {
  const found = hit(event)
  if (!drag) {
    canvas.style.cursor = cursors[found.part] ?? 'default'
    canvas.title = titleOf(found)
    return
  }
  drag.moved ||= Math.abs(found.x - drag.from) > 3
  if (!drag.moved) return
  if (drag.kind === 'overview') center(found)
  else if (drag.kind === 'axis') seek(found.frame, false)
  else if (PANNED.includes(drag.kind)) {
    const by = drag.near.frame(drag.from) - drag.near.frame(found.x)
    look(drag.view.start + by, drag.view.end + by)
  }
  else if (drag.kind === 'interval') {
    const [start, end] = [drag.frame, found.frame].sort((a, b) => a - b)
    const { tier } = state
    state.selection = { tier, start, end: end + 1, segment: false }
  } else if (drag.kind === 'boundary') {
    const free = Math.round(found.near.frame(found.x))
    const near = (frame) => Math.abs(found.near.x(frame) - found.x)
    const turn = drag.turns.find((frame) => near(frame) <= SNAP)
    const to = event.altKey ? free : (turn ?? free)
    const edit = move(labels(drag.tier), drag.boundary, to, state.recording.frames)
    if (!edit) return
    state.preview = { tier: drag.tier, edit }
    state.turns = drag.turns
    seek(edit.to, false)
  }
  change(false)
}

function letGo() {
  drag = state.preview = state.turns = null
  change()
}

function up() {
  if (!drag) return
  const { kind, part, moved, frame, boundary, tier, other } = drag
  const edit = state.preview?.edit
  letGo()
  if (kind === 'boundary') {
    if (edit) hooks.commit(edit, `boundary from ${time(boundary)} to ${time(edit.to)}`, tier)
    else seek(boundary)
  } else if (kind === 'interval' && moved) {
    const { start, end } = state.selection
    say(`marked ${interval(start, end)}; press a class key`)
  } else if (kind === 'other' && !moved) hooks.visit(other, frame)
  else if (PANNED.includes(kind) && !moved) {
    seek(frame, false)
    if (part === 'labels' && at(labels(), frame)) hooks.select?.()
  }
  change()
}

function wheel(event) {
  const { part, near, x } = hit(event)
  const { start, end } = state.view
  const turn = event.deltaMode ? event.deltaY * 30 : event.deltaY
  const aside = event.shiftKey ? turn : event.deltaX
  const pixel = (end - start) / canvas.clientWidth
  const { parentNode: frame } = canvas
  const rows = !['axis', 'overview'].includes(part)
  if (aside) pan(aside * pixel)
  else if (rows && frame.scrollHeight > frame.clientHeight && !event.ctrlKey && !event.metaKey) return
  else zoom(1.002 ** turn, near.frame(x))
  event.preventDefault()
}

/** What is at the playhead, in words. */
export function place() {
  const { recording, frame } = state
  const own = at(labels(), frame)
  const guess = at(predictions(), frame)
  const tier = tiers()[state.tier].name
  return [
    `${time(frame)} of ${clock(recording.frames / recording.fps)}`,
    tier && `tier ${tier}`,
    own ? named(own[2]) : hooks.commit && 'not labelled',
    own?.[3] && noteOf(own[3]),
    guess && `${state.project.preview ? 'preview' : 'predicted'} ${named(guess[2])}, ${sureness(guess, state.tier, frame)}`,
  ].filter(Boolean).join(', ')
}

export function Timeline() {
  const area = useRef()
  useEffect(() => {
    canvas = area.current.firstChild
    canvas.addEventListener('wheel', wheel, { passive: false })
    return drawOn(canvas)
  }, [])
  useEffect(() => {
    const { rows } = layout()
    const { y, h, low } = rows[state.tier]
    const frame = area.current
    if (y < frame.scrollTop || y + h + low.h > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = state.tier ? y - 40 : 0
    }
  }, [state.tier])
  return html`<div
    id="timeline" class="timeline" ref=${area} tabindex="0" role="slider"
    aria-label="Timeline" aria-valuemin="0" aria-valuemax=${state.recording.frames - 1}
  >
    <canvas onPointerDown=${down} onPointerMove=${motion} onPointerUp=${up} onPointerCancel=${letGo} />
  </div>`
}
