// Lists of segments: [start, end, class, ...], sorted, never overlapping, ends exclusive.
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
export function apply(list, { start, end, segments }) {
  const first = after(list, start)
  const last = after(list, end)
  const before = list.slice(0, first)
  const rest = list.slice(last)
  const cut = list[first]
  if (cut && cut[0] < start) before.push([cut[0], start, ...cut.slice(2)])
  if (rest.length && rest[0][0] < end) rest[0] = [end, ...rest[0].slice(1)]
  return [...before, ...segments, ...rest]
}

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

/** The edit, and with it the touching segments of the same class as one. */
function joined(list, { start, end, segments }) {
  const one = []
  for (const [s, e, c] of segments) {
    const last = one[one.length - 1]
    if (last && last[1] === s && last[2] === c) last[1] = e
    else one.push([s, e, c])
  }
  const first = one[0]
  const last = one[one.length - 1]
  const left = start > 0 && at(list, start - 1)
  const right = at(list, end)
  if (left && first && first[0] === start && left[2] === first[2]) {
    start = first[0] = left[0]
  }
  if (right && last && last[1] === end && right[2] === last[2]) end = last[1] = right[1]
  return { start, end, segments: one }
}

export const paint = (list, start, end, label) =>
  joined(list, { start, end, segments: [[start, end, label]] })

export const erase = (start, end) => ({ start, end, segments: [] })

/** Fill what has no label in [start, end) with pieces of `others`; labels stay. */
export function accept(list, others, start, end) {
  const free = gaps(list, start, end)
  const pieces = free.flatMap(([a, b]) => inside(others, a, b))
  const kept = inside(list, start, end)
  const segments = [...kept, ...pieces].sort((a, b) => a[0] - b[0])
  return pieces.length ? joined(list, { start, end, segments }) : null
}

/** Fill what has no label in [start, end) with one class. */
export const fill = (list, start, end, label) =>
  accept(list, [[start, end, label]], start, end)

/** The segments within [start, end), cut at its ends. */
function inside(list, start, end) {
  const found = []
  for (let i = after(list, start); i < list.length && list[i][0] < end; i++) {
    const [s, e, c] = list[i]
    found.push([Math.max(s, start), Math.min(e, end), c])
  }
  return found
}

/** Cut the segment at a frame in two, or null. */
export function split(list, frame) {
  const found = at(list, frame)
  if (!found || found[0] === frame) return null
  const [start, end, label] = found
  return { start, end, segments: [[start, frame, label], [frame, end, label]] }
}

/** Make the segment at a frame and the next one the first one's, or null. */
export function merge(list, frame) {
  const i = after(list, frame)
  if (!at(list, frame) || !list[i + 1]) return null
  const [start, end] = [list[i][0], list[i + 1][1]]
  return { start, end, segments: [[start, end, list[i][2]]] }
}

/** Move the boundary at frame `from`, no further than its neighbours allow, or null. */
export function move(list, from, to, frames) {
  const left = from > 0 && at(list, from - 1)
  const right = at(list, from)
  const before = left && left[1] === from ? left : null
  const behind = right && right[0] === from ? right : null
  if (!before && !behind) return null
  const i = after(list, from - 1)
  const low = before ? before[0] + 1 : i > 0 ? list[i - 1][1] : 0
  const next = list[i + 1]
  const high = behind ? behind[1] - 1 : next ? next[0] : frames
  to = Math.min(high, Math.max(low, to))
  const segments = []
  if (before) segments.push([before[0], to, before[2]])
  if (behind) segments.push([to, behind[1], behind[2]])
  const start = before ? before[0] : Math.min(from, to)
  const end = behind ? behind[1] : Math.max(from, to)
  return { start, end, segments, to }
}

/** The boundary nearest to a frame, or null. */
export function nearest(list, frame) {
  const i = after(list, frame)
  const near = list.slice(Math.max(0, i - 1), i + 2).flatMap(([s, e]) => [s, e])
  const gap = (b) => Math.abs(b - frame)
  return near.length ? near.reduce((a, b) => (gap(b) < gap(a) ? b : a)) : null
}

/** The next boundary in a direction (1 or -1), or null. */
export function neighbour(list, frame, direction) {
  const i = after(list, frame)
  const near = list
    .slice(Math.max(0, i - 2), i + 2)
    .flatMap(([s, e]) => [s, e])
    .filter((b) => (b - frame) * direction > 0)
  return near.length ? (direction > 0 ? Math.min(...near) : Math.max(...near)) : null
}
