// Lists of segments: [start, end, class, ...], sorted, never overlapping, ends exclusive.
// A label may have a note, [modifiers, comment], which goes with each of its parts.
// An edit is {start, end, segments}: the segments replace all that lies in [start, end).
// Nothing here changes its arguments or knows the page.

/** The index of the first segment that ends after a frame. */
export function after(list, frame) {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle][1] > frame) high = middle
    else low = middle + 1
  }
  return low
}

/** The segment at a frame, or null. */
export function at(list, frame) {
  const found = list[after(list, frame)]
  return found && found[0] <= frame ? found : null
}

/** The list after an edit; what reaches in from outside is cut off. */
export const apply = (list, { start, end, segments }) =>
  [...inside(list, 0, start), ...segments, ...inside(list, end, Infinity)]

/** The parts of [start, end) that have no segment. */
export function gaps(list, start, end) {
  const found = []
  let from = start
  for (let i = after(list, start); i < list.length && list[i][0] < end; i++) {
    if (list[i][0] > from) found.push([from, list[i][0]])
    from = list[i][1]
  }
  if (from < end) found.push([from, end])
  return found
}

/** Two segments as one, or null if they don't touch, or differ in class or note. */
function both(a, b) {
  const [note, other] = [a?.[3], b?.[3]]
  const fits = a && b && a[1] === b[0] && a[2] === b[2] && !(note && other && `${note}` !== `${other}`)
  return fits ? noted([a[0], b[1], a[2]], note ?? other) : null
}

/** The edit, and with it the touching segments of the same class as one. */
export function joined(list, { start, end, segments }) {
  const one = []
  for (const each of segments) {
    const whole = both(one.at(-1), each)
    if (whole) one[one.length - 1] = whole
    else one.push(each)
  }
  // Segments that reach in are cut off.
  const [before, behind] = [at(list, start - 1), at(list, end)]
  const left = before && both([before[0], start, ...before.slice(2)], one[0])
  if (left) start = (one[0] = left)[0]
  const right = behind && both(one.at(-1), [end, ...behind.slice(1)])
  if (right) end = (one[one.length - 1] = right)[1]
  return { start, end, segments: one }
}

const noted = ([start, end, label], note) =>
  note?.some(Boolean) ? [start, end, label, note] : [start, end, label]

/** Gives a segment of the list modifiers and a comment, in place of those it has. */
export function annotate(list, segment, note) {
  const [start, end] = segment
  const here = list.filter(([s, e]) => s === start && e === end) // moments share frames
  // By what it is: the answer to an earlier edit may have brought another list.
  const isIt = (one) => String(one) === String(segment)
  return { start, end, segments: here.map((one) => (isIt(one) ? noted(one, note) : one)) }
}

export const paint = (list, start, end, label, note) =>
  joined(list, { start, end, segments: [noted([start, end, label], note)] })

/** An interval with what is left beside it of the lists' segments, up to a quarter as long. */
export function withRest(lists, start, end) {
  const least = start - (end - start) / 4
  const most = end + (end - start) / 4
  const starts = lists.map((list) => at(list, start)?.[0] ?? start)
  const ends = lists.map((list) => at(list, end - 1)?.[1] ?? end)
  return [
    Math.min(start, ...starts.filter((one) => one >= least)),
    Math.max(end, ...ends.filter((one) => one <= most)),
  ]
}

export const erase = (start, end) => ({ start, end, segments: [] })

/** Fill what has no label in [start, end) with pieces of `others`; labels stay. */
export function accept(list, others, start, end) {
  const free = gaps(list, start, end)
  const pieces = free.flatMap(([a, b]) => inside(others, a, b)).map((one) => one.slice(0, 3))
  const kept = inside(list, start, end)
  const segments = [...kept, ...pieces].sort((a, b) => a[0] - b[0])
  return pieces.length ? joined(list, { start, end, segments }) : null
}

/** Fill what has no label in [start, end) with one class. */
export const fill = (list, start, end, label) =>
  accept(list, [[start, end, label]], start, end)

/** The segments within [start, end), cut at its ends. */
export function inside(list, start, end) {
  const found = []
  for (let i = after(list, start); i < list.length && list[i][0] < end; i++) {
    const [s, e, ...rest] = list[i]
    found.push([Math.max(s, start), Math.min(e, end), ...rest])
  }
  return found
}

/** Cut the segment at a frame in two, or null. */
export function split(list, frame) {
  const found = at(list, frame)
  if (!found || found[0] === frame) return null
  const [start, end, ...rest] = found
  return { start, end, segments: [[start, frame, ...rest], [frame, end, ...rest]] }
}

/**
 * Make the segment at a frame and the next one the first one's, or null. `lost` is the
 * note of the next one, if the first has another.
 */
export function merge(list, frame) {
  const i = after(list, frame)
  if (!at(list, frame) || !list[i + 1]) return null
  const [start, , label, note] = list[i]
  const [, end, , other] = list[i + 1]
  const lost = note && other && `${note}` !== `${other}` && other
  return { start, end, segments: [noted([start, end, label], note ?? other)], lost }
}

/** Move the boundary at frame `from`, no further than its neighbours allow, or null. */
export function move(list, from, to, frames) {
  const before = list.find(([, end]) => end === from)
  const behind = list.find(([start]) => start === from)
  if (!before && !behind) return null
  const low = before ? before[0] + 1 : (list.findLast(([, end]) => end < from)?.[1] ?? 0)
  const high = behind ? behind[1] - 1 : (list.find(([start]) => start > from)?.[0] ?? frames)
  to = Math.min(high, Math.max(low, to))
  const segments = []
  if (before) segments.push([before[0], to, ...before.slice(2)])
  if (behind) segments.push([to, ...behind.slice(1)])
  const start = before ? before[0] : Math.min(from, to)
  const end = behind ? behind[1] : Math.max(from, to)
  return { start, end, segments, to }
}

const boundaries = (list) => list.flatMap(([start, end]) => [start, end])

/** The boundary nearest to a frame, or null. */
export function nearest(list, frame) {
  const gap = (b) => Math.abs(b - frame)
  return boundaries(list).sort((a, b) => gap(a) - gap(b))[0] ?? null
}

/** The next boundary in a direction (1 or -1), or null. */
export function neighbour(list, frame, direction) {
  const beyond = boundaries(list).filter((b) => (b - frame) * direction > 0)
  return beyond.at(direction > 0 ? 0 : -1) ?? null
}

/** The frames at which a curve of motion over all frames changes most, sorted. */
export function turns(speed, frames, fps) {
  const step = frames / speed.length
  const wide = Math.max(1, Math.round((0.2 * fps) / step))
  const mean = (from, to) => {
    const part = speed.slice(Math.max(0, from), to)
    return part.reduce((sum, one) => sum + one, 0) / (part.length || 1)
  }
  const size = speed.map((_, i) => Math.abs(mean(i, i + wide) - mean(i - wide, i)))
  const isPeak = (one, i) => one > 0.05 && one >= Math.max(...size.slice(Math.max(0, i - wide), i + wide + 1))
  return [...size.keys()].filter((i) => isPeak(size[i], i)).map((i) => Math.round(i * step))
}
