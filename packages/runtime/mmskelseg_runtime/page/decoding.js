// Labels from probabilities, to the frame as in the Python package `mmskelseg_runtime`.

/** The runs of a row of labels, [start, end, class] each. */
export function runs(labels) {
  const found = []
  for (let t = 0; t < labels.length; t++) {
    if (t && labels[t] === labels[t - 1]) found.at(-1)[1] = t + 1
    else found.push([t, t + 1, labels[t]])
  }
  return found
}

function filled(found, frames) {
  const labels = new Int32Array(frames)
  for (const [start, end, label] of found) labels.fill(label, start, end)
  return labels
}

/** The place of the largest value, the first of several. */
const largest = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0)

function minDuration(labels, score, { frames }) {
  const list = runs(labels)
  const sums = score.map((row) => {
    const sum = new Float64Array(row.length + 1)
    for (let t = 0; t < row.length; t++) sum[t + 1] = sum[t] + row[t]
    return sum
  })
  for (;;) {
    // The shortest and earliest.
    let at = -1
    list.forEach(([start, end], i) => {
      const shortest = at < 0 ? frames : list[at][1] - list[at][0]
      if (end - start < shortest) at = i
    })
    if (at < 0 || list.length < 2) return filled(list, labels.length)
    const [start, end] = list[at]
    const near = [list[at - 1], list[at + 1]].filter(Boolean).map(([, , label]) => label)
    list[at][2] = near[largest(near.map((label) => sums[label][end] - sums[label][start]))]
    for (const i of [at + 1, at]) {
      if (i > 0 && i < list.length && list[i][2] === list[i - 1][2]) {
        list[i - 1][1] = list[i][1]
        list.splice(i, 1)
      }
    }
  }
}

function causalMinDuration(labels, score, { frames }) {
  const lasting = runs(labels).filter(([start, end], i) => !i || end - start >= frames)
  return filled(lasting.map(([start, , label], i) => [start, lasting[i + 1]?.[0] ?? labels.length, label]), labels.length)
}

function refineBoundaries(labels, score, { threshold = 0.5 }, boundary) {
  const plateaus = runs(boundary)
  const peak = ([start, , value], i) =>
    start > 0 && value >= threshold && value > (plateaus[i - 1]?.[2] ?? -Infinity) && value > (plateaus[i + 1]?.[2] ?? -Infinity)
  const cuts = [0, ...plateaus.filter(peak).map(([start]) => start), labels.length]
  const parts = cuts.slice(1).map((end, i) => {
    const counts = score.map(() => 0)
    for (const label of labels.subarray(cuts[i], end)) counts[label]++
    return [cuts[i], end, largest(counts)]
  })
  return filled(parts, labels.length)
}

function actionOrder(labels, score, { follows, frames, background = null, cost = 0 }) {
  const classes = score.length
  const list = runs(labels)
  const isRest = (k) => k === background
  const counts = follows.map((row) => row.map((count) => count + 1 / classes))
  const logs = counts.map((row) => row.map((count) => Math.log(count / row.reduce((a, b) => a + b, 0))))
  const sum = (all) => all.reduce((a, b) => a + b, 0)
  const mean = sum(counts.flatMap((row, i) => row.map((count, j) => count * logs[i][j]))) / sum(counts.flat())
  // State k is the action k, or background before any action, and `classes + k` is
  // background after the action k.
  const move = (from, to) => {
    const action = from % classes
    if (from === to) return 0
    if (background !== null) {
      if (isRest(to) || to === classes + background) return -Infinity
      if (to >= classes) return from === to - classes ? -cost : -Infinity
      if (isRest(from)) return -cost
    } else if (to >= classes) return -Infinity
    return frames * (logs[action][to] - mean) - cost
  }
  const gains = list.map(([start, end, label]) => {
    const likely = score.map((row) => row.subarray(start, end).reduce((all, p) => all + Math.fround(Math.log(Math.max(p, Math.fround(1e-6)))), 0))
    const rest = background === null ? -Infinity : likely[background]
    const own = likely.map((gain, k) => (isRest(label) && background !== null && !isRest(k) ? -Infinity : gain))
    return [...own, ...likely.map(() => rest)]
  })
  const states = [...Array(2 * classes).keys()]
  const moves = states.map((from) => states.map((to) => move(from, to)))
  let best = gains[0].map((gain, state) => (state < classes ? gain : -Infinity))
  const before = gains.slice(1).map((gain) => {
    const from = states.map((to) => largest(states.map((one) => best[one] + moves[one][to])))
    best = gain.map((own, to) => best[from[to]] + moves[from[to]][to] + own)
    return from
  })
  const path = [largest(best)]
  for (const from of before.reverse()) path.unshift(from[path[0]])
  return filled(list.map(([start, end], i) => [start, end, path[i] < classes ? path[i] : background]), labels.length)
}

const STEPS = {
  MinDuration: minDuration,
  CausalMinDuration: causalMinDuration,
  ActionOrder: actionOrder,
  BoundaryRefinement: refineBoundaries,
}

/** The labels of a tier, for the probabilities of each class in each frame. */
export function decode(score, steps, boundary) {
  const likeliest = Int32Array.from(score[0], (_, t) => largest(score.map((row) => row[t])))
  return steps.reduce((labels, { type, ...options }) => STEPS[type](labels, score, options, boundary), likeliest)
}
