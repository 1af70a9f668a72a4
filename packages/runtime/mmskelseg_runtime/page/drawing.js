// The drawing of the timeline, anew whenever something changed.
import { after, apply } from './labels.js'
import {
  change, classOf, clock, hooks, labels, named, openUncertain, predictions, seen, state, tiers,
} from './view.js'

let canvas = null
let pen = null
let width = 0
let theme = {}

/** Draws on a canvas from now on; returns what ends that. */
export function drawOn(element) {
  canvas = element
  pen = canvas.getContext('2d')
  const sizes = new ResizeObserver(() => {
    width = canvas.clientWidth
    change(false)
  })
  readTheme()
  sizes.observe(canvas)
  return () => {
    sizes.disconnect()
    canvas = null
  }
}

/** The pen of a canvas that has the pixels of the screen and is empty. */
export function cleared(canvas, width, height) {
  const ratio = devicePixelRatio || 1
  const [w, h] = [width, height].map((size) => Math.round(size * ratio))
  // Setting a size takes time, even the same.
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h })
  const pen = canvas.getContext('2d')
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  return pen
}

// Where things are

export const OVERVIEW = 24
export const AXIS = 22

const nameOf = (tier, who = state.recording.individual) =>
  [who, tiers()[tier].name].filter(Boolean).join(' ') || 'labels'
const others = () => state.recording.others ?? []
const PREDICTED = 'predicted'

/** The room for the names of the rows. */
function gutter() {
  pen.font = `12px ${theme.font}`
  const people = [undefined, ...others().map(({ name }) => name)]
  const names = [PREDICTED, ...people.flatMap((who) => tiers().map((_, tier) => nameOf(tier, who)))]
  const wide = names.map((name) => pen.measureText(name).width)
  return Math.round(Math.min(Math.max(...wide) + 18, width * 0.28))
}

export function layout() {
  const { recording } = state
  const count = tiers().length
  const tall = count === 1 ? 44 : count < 4 ? 30 : count < 7 ? 22 : 18
  // Tiers without predictions, or without labels to compare, have no row for them; nor
  // for labels, where a page only shows predictions, which then have all of the height.
  const own = (tier) => (hooks.commit || labels(tier).length ? tall : 0)
  const below = (tier) => (predictions(tier).length ? Math.max(11, Math.round(tall * 0.5)) : 0)
  const low = (tier) => (own(tier) ? below(tier) : tall)
  const other = (tier) => (hooks.theirs()?.[tier]?.length ? Math.max(14, Math.round(tall * 0.6)) : 0)
  const speed = recording.speed ? 30 : 0
  let y = OVERVIEW + 6 + AXIS + speed + 4
  const rows = tiers().map((_, tier) => {
    const h = own(tier)
    const row = { tier, y, h, low: { y: y + (h && h + 2), h: low(tier) } }
    row.other = { y: row.low.y + row.low.h + (row.low.h ? 2 : 0), h: other(tier) }
    y = row.other.y + row.other.h + 6
    return row
  })
  // Those of other individuals, which are only shown.
  const h = Math.max(14, Math.round(tall * 0.6))
  const rowsBelow = others().flatMap((who) =>
    tiers().map((_, tier) => ({ who, tier, h, y: (y += h + 3) - h - 3 })),
  )
  return {
    gutter: gutter(),
    axis: OVERVIEW + 6,
    speed: { y: OVERVIEW + 6 + AXIS, h: speed },
    rows,
    below: rowsBelow,
    height: y,
  }
}

/** How frames lie on the canvas: the visible ones, or all in the overview. */
export function scales(plan) {
  const span = width - plan.gutter
  const scale = (start, end, words) => ({
    words,
    start,
    end,
    left: plan.gutter,
    right: width,
    x: (frame) => plan.gutter + ((frame - start) / (end - start)) * span,
    frame: (x) => start + ((x - plan.gutter) / span) * (end - start),
  })
  const { view, recording } = state
  return { near: scale(view.start, view.end, true), far: scale(0, recording.frames) }
}

// Colours

function readTheme() {
  const style = getComputedStyle(canvas)
  const names = ['panel', 'row', 'line', 'text', 'quiet', 'accent', 'unsure']
  theme = { of: document.documentElement.dataset.theme, font: style.fontFamily, mixed: new Map(), hatch: null }
  for (const name of names) {
    // As a colour of the element, since a variable is not resolved.
    canvas.style.color = `var(--${name})`
    theme[name] = style.color
  }
}

const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))

/** The colour of a class and the ink on it; paler the less sure. */
function paints(label, tier, share = 1) {
  const { paint: color, ink } = classOf(label, tier) ?? { paint: '#888888', ink: '#000000' }
  if (share === 1) return [color, ink]
  const step = Math.round(share * 20)
  const key = `${color}${step}`
  if (!theme.mixed.has(key)) {
    const [a, b] = [parts(color), theme.row.match(/\d+/g).map(Number)]
    const mix = a.map((part, i) => Math.round(b[i] + ((part - b[i]) * step) / 20))
    const linear = mix.map((part) => (part / 255) ** 2.2)
    const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    theme.mixed.set(key, [`rgb(${mix})`, light > 0.18 ? '#000' : '#fff'])
  }
  return theme.mixed.get(key)
}

function hatch() {
  if (!theme.hatch) {
    const tile = Object.assign(document.createElement('canvas'), { width: 8, height: 8 })
    const ink = tile.getContext('2d')
    ink.strokeStyle = theme.quiet
    ink.lineWidth = 1.5
    for (const x of [-8, 0, 8]) ink.stroke(new Path2D(`M${x - 1} 9L${x + 9} -1`))
    theme.hatch = pen.createPattern(tile, 'repeat')
  }
  return theme.hatch
}

// Drawing

/** A text where it fits; else none, or a part of it. Returns whether it is there. */
function text(words, x, y, room, color, size = 12, part = false) {
  pen.font = `${size}px ${theme.font}`
  const fits = (some) => pen.measureText(some).width <= room
  if (!fits(words)) {
    if (!part) return false
    while (words && !fits(`${words}…`)) words = words.slice(0, -1)
    words += '…'
  }
  pen.fillStyle = color
  pen.fillText(words, x, y)
  return true
}

/**
 * A row of segments; those within a pixel that is drawn already are left out. `cover`
 * draws over them, below their names: where one has no room, the key of its class marks it.
 */
function segments(list, tier, scale, { y, h }, scored = false, cover = () => {}) {
  let drawn = -1
  const words = []
  const size = Math.min(13, h - 2)
  for (let i = after(list, scale.start); i < list.length && list[i][0] < scale.end; i++) {
    const [start, end, label, score, name] = list[i]
    const x0 = Math.max(scale.x(start), scale.left)
    const x1 = Math.min(scale.x(end), scale.right)
    if (x1 - drawn < 1) continue
    drawn = Math.max(x1, x0 + 1)
    const share = scored ? 0.12 + 0.88 * Math.min(1, Math.max(0, score ?? 1)) : 1
    const [color, ink] = paints(label, tier, share)
    pen.fillStyle = label === -1 ? hatch() : color
    pen.fillRect(x0, y, Math.max(1, x1 - x0 - (x1 - x0 > 4 ? 1 : 0)), h)
    if (scale.words && label !== -1 && x1 - x0 > 8) {
      words.push([name ?? named(label, tier), hooks.keyOf(label, tier), x0, x1 - x0, ink])
    }
  }
  cover()
  for (const [name, key, x, room, ink] of words) {
    if (text(name, x + 5, y + h / 2, room - 10, ink, size) || !key) continue
    pen.textAlign = 'center'
    text(key, x + room / 2, y + h / 2, room, ink, Math.min(11, size))
    pen.textAlign = 'start'
  }
}

function outline(scale, start, end, y, h, color, dash = []) {
  const x0 = scale.x(start)
  pen.setLineDash(dash)
  pen.strokeStyle = color
  pen.lineWidth = 2
  pen.strokeRect(x0, y, scale.x(end) - x0, h)
  pen.setLineDash([])
}

function band(scale, start, end, y, h, color, alpha) {
  pen.globalAlpha = alpha
  pen.fillStyle = color
  pen.fillRect(scale.x(start), y, Math.max(2, scale.x(end) - scale.x(start)), h)
  pen.globalAlpha = 1
}

let still = { of: [], image: null } // the overview's segments, kept until they change

function summary(plan, far) {
  const h = (OVERVIEW - 4) / plan.rows.length
  const image = new OffscreenCanvas(canvas.width, OVERVIEW * devicePixelRatio)
  const screen = pen
  pen = image.getContext('2d')
  pen.scale(devicePixelRatio, devicePixelRatio)
  pen.fillStyle = theme.row
  pen.fillRect(plan.gutter, 2, width - plan.gutter, OVERVIEW - 4)
  for (const { tier, h: own } of plan.rows) {
    const y = 2 + tier * h
    const share = !own ? 0 : state.recording.predictions ? 0.6 : 1
    segments(predictions(tier), tier, far, { y: y + h * share, h: h * (1 - share) }, true)
    segments(labels(tier), tier, far, { y, h: h * share })
  }
  pen = screen
  return image
}

function overview(plan, far) {
  const { recording, view, frame } = state
  const of = [...recording.labels, recording.predictions, tiers(), theme, canvas.width]
  if (of.some((one, i) => one !== still.of[i])) still = { of, image: summary(plan, far) }
  pen.drawImage(still.image, 0, 0, width, OVERVIEW)
  band(far, 0, view.start, 0, OVERVIEW, theme.panel, 0.6)
  band(far, view.end, recording.frames, 0, OVERVIEW, theme.panel, 0.6)
  outline(far, view.start, view.end, 1, OVERVIEW - 2, theme.text)
  band(far, frame, frame, 0, OVERVIEW, theme.accent, 1)
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]

function axis(plan, near) {
  const { fps } = state.recording
  const wanted = (((near.end - near.start) / fps) * 80) / (width - plan.gutter)
  const step = STEPS.find((s) => s >= wanted) ?? 7200
  for (let s = Math.floor(near.start / fps / step) * step; s * fps < near.end; s += step) {
    const x = near.x(s * fps)
    pen.fillStyle = theme.line
    pen.fillRect(x, plan.axis, 1, plan.height)
    const words = clock(s, step < 1 ? 1 : 0)
    if (x > plan.gutter - 1) text(words, x + 4, plan.axis + 11, near.right - x - 4, theme.quiet, 11)
  }
}

function wave({ y, h }, near) {
  const { speed, frames } = state.recording
  const share = speed.length / frames
  pen.beginPath()
  pen.moveTo(near.left, y + h)
  for (let x = Math.floor(near.left); x < near.right; x++) {
    const first = Math.max(0, Math.floor(near.frame(x) * share))
    const last = Math.min(speed.length - 1, Math.floor(near.frame(x + 1) * share))
    let top = 0
    for (let i = first; i <= last; i++) top = Math.max(top, speed[i])
    pen.lineTo(x, y + h - top * h)
  }
  pen.lineTo(near.right, y + h)
  pen.globalAlpha = 0.55
  pen.fillStyle = theme.quiet
  pen.fill()
  pen.globalAlpha = 1
}

function row({ tier, y, h, low, other }, near) {
  const { selection, running, frame, preview } = state
  pen.fillStyle = theme.row
  pen.fillRect(near.left, y, width, h || low.h)
  const moved = preview?.tier === tier
  segments(moved ? apply(labels(tier), preview.edit) : labels(tier), tier, near, { y, h })
  const learnt = () => {
    pen.fillStyle = hatch()
    for (const [start, end] of seen(tier)) {
      const x0 = near.x(Math.max(start, near.start))
      pen.fillRect(x0, low.y, Math.max(0, near.x(Math.min(end, near.end)) - x0), low.h)
    }
  }
  if (low.h) segments(predictions(tier), tier, near, low, true, learnt)
  if (low.h && state.project.preview) {
    outline(near, near.start, near.end, low.y, low.h, theme.unsure, [6, 4])
  }
  if (other.h) {
    segments(hooks.theirs()[tier] ?? [], tier, near, other)
    outline(near, near.start, near.end, other.y, other.h, theme.accent, [2, 3])
  }
  const run = running[tier]
  if (run) {
    const x0 = Math.max(near.left, near.x(run.start))
    const [color, ink] = paints(run.label, tier)
    const length = Math.max(3, near.x(Math.max(run.start, frame)) - x0)
    pen.fillStyle = run.label === -1 ? hatch() : color
    pen.fillRect(x0, y, length, h)
    text(`${named(run.label, tier)} …`, x0 + 4, y + h / 2, length - 8, ink)
    outline(near, run.start, Math.max(run.start, frame), y + 1, h - 2, theme.text, [4, 3])
  }
  if (selection?.tier === tier) {
    if (!selection.segment) band(near, selection.start, selection.end, y, h, theme.accent, 0.3)
    outline(near, selection.start, selection.end, y - 1, h + 2, theme.text)
    outline(near, selection.start, selection.end, y + 1, h - 2, theme.panel)
  }
}

/** The labels of another individual, on which a click goes there. */
function rowBelow({ who, tier, y, h }, near) {
  pen.fillStyle = theme.row
  pen.fillRect(near.left, y, width, h)
  segments(who.labels[tier] ?? [], tier, near, { y, h })
}

function namesOfRows({ gutter, speed, rows, below }) {
  const write = (words, { y, h }, ink = theme.quiet) =>
    h && text(words, 8, y + h / 2, gutter - 12, ink, 12, true)
  write('motion', { y: speed.y + 5, h: speed.h })
  for (const { tier, y, h, low, other } of rows) {
    const here = tier === state.tier
    pen.fillStyle = theme.accent
    if (here && tiers().length > 1) pen.fillRect(0, y, 3, h + low.h + 2)
    write(nameOf(tier), h ? { y, h } : low, here ? theme.text : theme.quiet)
    if (h) write(PREDICTED, low)
    write(state.comparison?.observer || 'theirs', other)
  }
  for (const one of below) write(nameOf(one.tier, one.who.name), one)
}

export function drawTimeline() {
  if (!canvas || !width || !state.recording) return
  const { recording, frame, unsure, loop, mark, view } = state
  if (theme.of !== document.documentElement.dataset.theme) readTheme()
  const plan = layout()
  canvas.style.height = `${plan.height}px`
  cleared(canvas, width, plan.height).textBaseline = 'middle'
  const { near, far } = scales(plan)
  overview(plan, far)
  pen.save()
  pen.beginPath()
  pen.rect(plan.gutter, OVERVIEW, width, plan.height)
  pen.clip()
  axis(plan, near)
  if (recording.speed) wave(plan.speed, near)
  for (const turn of state.turns ?? []) band(near, turn, turn, plan.speed.y, plan.speed.h, theme.accent, 0.7)
  for (const [start, end] of openUncertain()) {
    if (end < view.start || start > view.end) continue
    band(near, start, end, plan.axis + AXIS - 4, 4, theme.unsure, 1)
    band(near, start, end, plan.axis + AXIS, plan.height, theme.unsure, 0.1)
  }
  if (loop) band(near, loop.start, loop.end, plan.axis, AXIS, theme.accent, 0.3)
  for (const one of plan.rows) row(one, near)
  for (const one of plan.below) rowBelow(one, near)
  const rows = plan.rows[0].y - 3
  if (unsure) outline(near, unsure.start, unsure.end, rows, plan.height - rows - 2, theme.unsure)
  const differs = hooks.disputed()
  if (differs) {
    const { y, other } = plan.rows[differs.tier]
    outline(near, differs.start, differs.end, y - 2, other.y + other.h - y + 4, theme.unsure)
  }
  if (mark !== null) outline(near, mark, frame, rows, plan.height - rows - 2, theme.text, [4, 3])
  const x = near.x(frame)
  const thick = near.x(frame + 1) - x
  if (thick > 3) band(near, frame, frame + 1, plan.axis, plan.height, theme.accent, 0.2)
  band(near, frame, frame, plan.axis, plan.height, theme.accent, 1)
  pen.fill(new Path2D(`M${x - 6} ${plan.axis}h14l-7 9z`))
  pen.restore()
  namesOfRows(plan)
}
