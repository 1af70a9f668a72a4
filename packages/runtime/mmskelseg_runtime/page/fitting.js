// Poses as a model reads them: its joints, one person first, its frame rate.
import { columns } from './reading.js'

const NEAR = 0.05 // frame rates that differ by less are the same
const LEAST_OVERLAP = 0.3
const PATIENCE = 30 // frames after which a track without a box ends
const SIDES = [
  /^(.*?)(left|right)(.*)$/is, /^()(l|r)[^\p{L}\p{N}]+(.+)$/isu, /^(.+)[^\p{L}\p{N}]+(l|r)(\d*)$/isu,
  /^()([LR])([A-Z].*)$/s, /^(.*[a-z])([LR])(\d*)$/s,
]

/** The side and the rest of a joint's name, in one spelling. */
function spelled(name) {
  const plain = (word) => word.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase()
  const match = SIDES.map((side) => name.match(side)).find(Boolean)
  return match ? `${match[2][0].toLowerCase()} ${plain(match[1] + match[3])}` : plain(name)
}

/** The joints of a file that are those of a model, by their names, or else their spelling. */
function matched(name, joints, wanted) {
  const found = new Map()
  for (const key of [(joint) => joint, spelled]) {
    const open = wanted.filter((joint) => !found.has(joint))
    const free = joints.filter((joint) => ![...found.values()].includes(joint))
    for (const joint of open) {
      const alike = (list) => list.filter((one) => key(one) === key(joint))
      if (alike(open).length === 1 && alike(free).length === 1) found.set(joint, alike(free)[0])
    }
  }
  const missing = wanted.filter((joint) => !found.has(joint))
  if (missing.length) {
    throw new Error(
      `${name}: lacks the joints ${missing.join(', ')}, which the model needs; it has ${joints.join(', ')}. Name them alike in the file`,
    )
  }
  return wanted.map((joint) => joints.indexOf(found.get(joint)))
}

/** Poses with the joints of the model, in pixels, without those that are too unsure. */
export function prepared(poses, facts, size) {
  const { joints: wanted, kpt_thr: least } = facts
  let { joints, notes } = poses
  if (poses.unnamed) {
    if (joints.length !== wanted.length) {
      throw new Error(`${poses.name}: ${joints.length} joints without names, but the model has ${wanted.length}: ${wanted.join(', ')}`)
    }
    joints = wanted
    notes = [...notes, `${joints.length} joints without names are assumed to be those of the model`]
  }
  const order = matched(poses.name, joints, wanted)
  const renamed = wanted.map((joint, i) => [joints[order[i]], joint]).filter(([own, joint]) => own !== joint)
  if (renamed.length) notes = [...notes, `joints of other names: ${renamed.map(([own, joint]) => `${own} is ${joint}`).join(', ')}`]
  if (joints.length > order.length) notes = [...notes, `${order.length} of ${joints.length} joints are used`]
  const points = columns(poses, order)
  const limit = Math.fround(least ?? 0)
  for (let i = 0; i < points.length; i += 3) {
    if (points[i + 2] < limit) points.fill(0, i, i + 3)
    else if (poses.isFraction) {
      points[i] *= size[0]
      points[i + 1] *= size[1]
    }
  }
  return { ...poses, joints: wanted, points, notes, isFraction: false }
}

// Individuals

/** The left, top, right and bottom of the joints that are seen of a body, of flat points. */
export function boxOf(points, body, joints) {
  const box = [Infinity, Infinity, -Infinity, -Infinity]
  for (let i = body * joints * 3; i < (body + 1) * joints * 3; i += 3) {
    if (!(points[i + 2] > 0)) continue
    for (const axis of [0, 1]) {
      box[axis] = Math.min(box[axis], points[i + axis])
      box[axis + 2] = Math.max(box[axis + 2], points[i + axis])
    }
  }
  return box
}

const boxIn = ({ points, frames, joints }, row, frame) => boxOf(points, row * frames + frame, joints.length)
const isThere = ([left, , right]) => left <= right

/** Intersection over union of boxes that include their last pixels. */
function overlap(a, b) {
  const area = ([left, top, right, bottom]) => (right - left + 1) * (bottom - top + 1)
  const side = (i) => Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]) + 1)
  const shared = side(0) * side(1)
  return shared / (area(a) + area(b) - shared)
}

/** The row of each track in each frame, -1 if it is absent, of people without names. */
function linked(poses) {
  const tracks = []
  for (let frame = 0; frame < poses.frames; frame++) {
    const boxes = [...Array(poses.count).keys()].map((row) => boxIn(poses, row, frame))
    const here = [...boxes.keys()].filter((row) => isThere(boxes[row]))
    const alive = tracks.filter(({ last }) => frame - last <= PATIENCE + 1)
    const pairs = alive.flatMap((track) => here.map((row) => ({ track, row, share: overlap(track.box, boxes[row]) })))
    const near = pairs.filter(({ share }) => share >= LEAST_OVERLAP).sort((a, b) => b.share - a.share)
    const free = new Set(here)
    const put = (track, row) => {
      free.delete(row)
      Object.assign(track, { last: frame, box: boxes[row] })
      track.rows[frame] = row
    }
    for (const { track, row } of near) if (free.has(row) && track.last < frame) put(track, row)
    for (const row of free) {
      tracks.push({ rows: new Int32Array(poses.frames).fill(-1) })
      put(tracks.at(-1), row)
    }
  }
  return tracks.map(({ rows }) => rows)
}

/**
 * The individuals of a recording, {name, rows, seen}; `first` is the one seen longest, and
 * `others` are those seen for two seconds or half of the recording, as they appear.
 */
export function individuals(poses) {
  const { people, count, frames } = poses
  const whole = [...Array(count).keys()].map((row) =>
    Int32Array.from({ length: frames }, (_, frame) => (isThere(boxIn(poses, row, frame)) ? row : -1)))
  const rows = people.length || count === 1 ? whole : linked(poses)
  const all = rows.map((row, i) => ({ name: people[i] ?? `person${i + 1}`, rows: row, seen: row.filter((one) => one >= 0).length }))
  const least = Math.min(2 * (poses.fps ?? 30), frames / 2)
  const kept = all.filter(({ seen }) => seen >= least)
  const start = ({ rows }) => rows.findIndex((row) => row >= 0)
  const first = all.reduce((a, b) => (b.seen > a.seen ? b : a))
  return { first, others: (kept.length ? kept : [first]).sort((a, b) => start(a) - start(b)) }
}

/** The points of an individual and, if the model sees them, of others: (T, people, V, 3). */
export function chosen(poses, one, others) {
  const apart = others.filter((other) => other !== one).map(({ rows }) => rows.map((row, t) => (row === one.rows[t] ? -1 : row)))
  const tracks = [one.rows, ...apart.filter((rows) => rows.some((row) => row >= 0))]
  const size = poses.joints.length * 3
  const points = new Float32Array(tracks.length * poses.frames * size)
  tracks.forEach((rows, person) => rows.forEach((row, frame) => {
    const start = (row * poses.frames + frame) * size
    if (row >= 0) points.set(poses.points.subarray(start, start + size), (frame * tracks.length + person) * size)
  }))
  return { points, people: tracks.length, frames: poses.frames, joints: poses.joints.length }
}

// Frame rates

/** The nearest whole number; of two, the even one, as in NumPy. */
const rint = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))

/** Bodies at the model's frame rate, and the frame that shows each of the recording, or null. */
export function shownAt(bodies, own, fps, least) {
  if (!fps || Math.abs(fps / own - 1) <= NEAR) return { ...bodies, back: null }
  const { frames, people, joints } = bodies
  const count = Math.ceil((frames * fps) / own - 1e-9)
  const width = people * joints * 3
  const points = new Float32Array(count * width)
  for (let t = 0; t < count; t++) {
    const place = Math.max(0, Math.min(((t + 0.5) * own) / fps - 0.5, frames - 1))
    const before = Math.min(Math.floor(place), Math.max(frames - 2, 0))
    const after = Math.min(before + 1, frames - 1)
    const part = Math.fround(place - before)
    const rest = Math.fround(1 - part)
    const [a, b, near, to] = [before, after, rint(place), t].map((frame) => frame * width)
    for (let i = 0; i < width; i += 3) {
      const both = bodies.points[a + i + 2] >= least && bodies.points[b + i + 2] >= least
      for (const axis of [i, i + 1]) {
        const mixed = Math.fround(bodies.points[a + axis] * rest) + Math.fround(bodies.points[b + axis] * part)
        points[to + axis] = both ? mixed : bodies.points[near + axis]
      }
      points[to + i + 2] = bodies.points[near + i + 2]
    }
  }
  const back = Int32Array.from({ length: frames }, (_, t) => Math.min(Math.trunc(((t + 0.5) * fps) / own), count - 1))
  return { points, people, joints, frames: count, back }
}

/** The inputs of a graph: coordinates (M, T, V, 2), and 1 for joints that are seen. */
export function inputs({ points, people, frames, joints }, least) {
  const count = people * frames * joints
  const [keypoints, scores] = [new Float32Array(2 * count), new Float32Array(count)]
  for (let i = 0; i < count; i++) {
    const [body, joint] = [Math.floor(i / joints), i % joints]
    const to = ((body % people) * frames + Math.floor(body / people)) * joints + joint
    keypoints.set(points.subarray(3 * i, 3 * i + 2), 2 * to)
    scores[to] = points[3 * i + 2] >= least ? 1 : 0
  }
  return { keypoints, scores, shape: [people, frames, joints] }
}
