// Poses in the files that trackers write, as the package `mmskelseg_io` reads them.
// Poses are {name, joints, people: names of tracks, or [] if rows mean nothing, count,
// frames, fps, size: [width, height], points, notes}; the points of `count` people are
// x, y and score by person, frame and joint, flat, all 0 if a joint is missing.

const HEADS = ['scorer', 'individuals', 'bodyparts', 'coords']
const ALIASES = {
  x: ['x'],
  y: ['y'],
  frame: ['frame', 'frame_idx', 'frame_id', 'frame_number', 'frame_index'],
  person: ['person', 'person_id', 'track', 'track_id', 'individual'],
  joint: ['joint', 'keypoint', 'bodypart', 'landmark', 'landmark_index'],
  score: ['score', 'likelihood', 'confidence', 'visibility', 'conf'],
}
const WIDE = /^(.+)[_. ](x|y|score|likelihood|confidence|visibility|conf|v)$/is
const LANDMARKS = ['pose_landmarks', 'landmarks', 'landmark']
const MOST_FRAMES = 2_000_000

const stem = (name) => name.replace(/\.[^.]+$/, '')

/** Returns the poses of one recording; `layouts` are the joints of known ones, by name. */
export async function read(files, layouts) {
  const [file] = files
  const { name } = file
  if (files.length > 1 || /_keypoints\.json$/.test(name)) return openPose(files, layouts)
  const poses = await readOne(file, name.split('.').at(-1).toLowerCase(), layouts)
  const order = [...poses.joints.keys()]
  if (poses.joints.every((joint) => /^\d{1,9}$/.test(joint))) {
    // Joints without names, of which only COCO's are known by their number.
    order.sort((a, b) => poses.joints[a] - poses.joints[b])
    poses.unnamed = order.length !== layouts.coco17.length
    poses.points = columns(poses, order)
    if (poses.unnamed) return poses
    poses.notes.push('17 joints without names are assumed to be those of COCO')
    poses.joints = layouts.coco17
  }
  return poses
}

async function readOne(file, ending, layouts) {
  const { name } = file
  if (['csv', 'tsv'].includes(ending)) return table(cells(await file.text(), name), name, layouts)
  if (ending === 'json') return mediaPipe(await file.text(), name, layouts)
  if (ending === 'npz') return arrays(await unzipped(file), name, layouts)
  const hdf5 = ['h5', 'hdf5', 'slp'].includes(ending) ? 'HDF5 cannot be read here; export CSV. ' : ''
  throw new Error(
    `${name}: ${hdf5}Expected CSV of DeepLabCut, SLEAP or one column a coordinate, JSON of MediaPipe or OpenPose, or npz`,
  )
}

/** Returns the points of some joints, in an order. */
export function columns({ points, joints }, order) {
  const [from, to] = [3 * joints.length, 3 * order.length]
  const found = new Float32Array((points.length / from) * to)
  for (let row = 0; row * from < points.length; row++) {
    order.forEach((joint, i) => {
      const start = row * from + 3 * joint
      found.set(points.subarray(start, start + 3), row * to + 3 * i)
    })
  }
  return found
}

// Tables

function cells(text, name) {
  const first = text.trimStart().split('\n')[0]
  const counted = first.includes(',') || !/[\t;]/.test(first) ? text : first
  const count = (sign) => counted.split(sign).length
  const sign = ['\t', ';', ','].reduce((a, b) => (count(b) > count(a) ? b : a))
  const cell = (word) => word.trim().replace(/^"(.*)"$/s, '$1').replaceAll('""', '"').trim()
  const row = (line) => (line.includes('"') ? line.match(quoted) : line.split(sign)).map(cell)
  const quoted = new RegExp(`(?<=^|${sign})("(?:[^"]|"")*"|[^${sign}]*)`, 'g')
  const rows = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
    .map((line, i) => Object.assign(row(line), { line: i + 1 })).filter((row) => row.some(Boolean))
  if (rows.length < 2) throw new Error(`${name}: ${rows.length} rows, expected a header and frames`)
  return rows
}

function number(cell, name, row) {
  if (['', 'nan', 'na'].includes(cell.toLowerCase())) return NaN
  const found = Number(cell.replace(',', '.'))
  if (Number.isNaN(found)) throw new Error(`${name}: row ${row.line} has ${JSON.stringify(cell)}, expected a number`)
  return found
}

function frameOf(value, where) {
  const frame = Number(value)
  if (value === '' || !Number.isInteger(frame) || frame < 0 || frame > MOST_FRAMES) {
    throw new Error(`${where}: the frame is ${JSON.stringify(value)}, expected a number from 0 on`)
  }
  return frame
}

function table(rows, name, layouts) {
  const head = rows[0].map((word) => word.toLowerCase())
  if (head[0] === 'scorer') return deepLabCut(rows, name)
  const own = {}
  for (const [key, names] of Object.entries(ALIASES)) {
    const at = head.findLastIndex((word) => names.includes(word))
    if (at >= 0) own[key] = at
  }
  const isLong = ['joint', 'x', 'y'].every((key) => key in own)
  const wide = new Map()
  rows[0].forEach((word, at) => {
    const [, joint, axis] = (!isLong && word.toLowerCase().match(WIDE)) || []
    if (!joint) return
    const name = word.slice(0, joint.length)
    if (!wide.has(name)) wide.set(name, {})
    wide.get(name)['xy'.includes(axis) ? axis : 'score'] = at
  })
  for (const [joint, axes] of wide) if (!('x' in axes && 'y' in axes)) wide.delete(joint)
  if (!('frame' in own) || !(isLong || wide.size)) {
    throw new Error(
      `${name}: the columns are ${rows[0].slice(0, 12).join(', ')}; expected frame, and NAME_x, NAME_y (and NAME_score) of each joint, or joint, x, y (and score, person)`,
    )
  }
  const joints = [...wide.keys()]
  const people = new Map()
  for (const row of rows.slice(1)) {
    const frame = frameOf(row[own.frame], `${name}: row ${row.line}`)
    const who = 'person' in own ? row[own.person] : '1'
    const apart = wide.size && !who
    const key = [frame, who, apart ? row.line : ''].join('\n')
    if (!people.has(key)) people.set(key, { frame, track: apart ? null : who, joints: [] })
    const person = people.get(key)
    for (const [joint, axes] of isLong ? [[row[own.joint], own]] : wide) {
      if (!joints.includes(joint)) joints.push(joint)
      const i = joints.indexOf(joint)
      if (person.joints[i]) throw new Error(`${name}: row ${row.line} repeats ${joint} in frame ${frame}`)
      const value = (axis) => (axis in axes ? number(row[axes[axis]] ?? '', name, row) : NaN)
      const score = value('score')
      person.joints[i] = [value('x'), value('y'), Number.isNaN(score) ? 1 : score]
    }
  }
  const ours = head.some((word) => word.startsWith('landmark'))
  const named = (joint) => (ours && layouts.mediapipe[joint.match(/^(?:landmark.*?)?(\d{1,2})$/i)?.[1]]) || joint
  return gather([...people.values()], joints.map(named), name)
}

function deepLabCut(rows, name) {
  const heads = {}
  let first = 0
  while (HEADS.includes(rows[first]?.[0])) heads[rows[first][0]] = rows[first++].slice(1)
  if (!heads.bodyparts || !heads.coords) {
    throw new Error(`${name}: begins with scorer, but lacks the rows bodyparts and coords of DeepLabCut`)
  }
  const owner = heads.individuals ?? heads.coords.map(() => 'animal')
  const every = [...new Set(owner)]
  const people = every.length > 1 ? every.filter((one) => one !== 'single') : every
  const joints = [...new Set(heads.bodyparts.filter((_, i) => owner[i] === people[0]))]
  const places = new Map(heads.coords.map((axis, i) => [[owner[i], heads.bodyparts[i], axis].join('\n'), i + 1]))
  if (heads.coords.includes('z')) throw new Error(`${name}: poses in 3D; give the file of one camera`)
  const cellsOf = people.map((track) => joints.map((joint) => ['x', 'y', 'likelihood'].map((axis) => {
    const at = places.get([track, joint, axis].join('\n'))
    if (at === undefined && axis !== 'likelihood') throw new Error(`${name}: no ${axis} of ${track} ${joint}`)
    return at
  })))
  const [found, widest] = [[], heads.coords.length + 1]
  for (const row of rows.slice(first)) {
    const frame = frameOf(row[0], `${name}: row ${row.line}`)
    if (row.length !== widest) throw new Error(`${name}: row ${row.line} has ${row.length} cells, expected ${widest}`)
    people.forEach((track, i) => {
      const point = (cells) => cells.map((at) => (at === undefined ? 1 : number(row[at], name, row)))
      found.push({ frame, track, joints: cellsOf[i].map(point) })
    })
  }
  return gather(found, joints, name)
}

// JSON

function parsed(text, name) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${name}: is no JSON; export it again`)
  }
}

function mediaPipe(text, name, layouts) {
  const data = parsed(text, name)
  const list = Array.isArray(data) ? data : data?.frames
  if (!Array.isArray(list)) throw new Error(`${name}: expected a list of frames with 33 landmarks`)
  const found = []
  let frames = 0
  const people = (entry) => {
    while (entry && !Array.isArray(entry)) {
      const key = LANDMARKS.find((key) => key in entry)
      if (!key) throw new Error(`${name}: a frame has none of ${LANDMARKS.join(', ')}`)
      entry = entry[key]
    }
    if (!entry?.length) return []
    return 'x' in (entry[0] ?? {}) ? [entry] : entry.flatMap(people)
  }
  list.forEach((entry, i) => {
    const key = entry && ALIASES.frame.find((key) => key in entry)
    const frame = key ? frameOf(entry[key], `${name}: entry ${i}`) : i
    frames = Math.max(frames, frame + 1)
    for (const person of people(entry)) {
      if (person.length !== 33) throw new Error(`${name}: entry ${i} has ${person.length} landmarks, expected 33`)
      found.push({ frame, track: null, joints: person.map(({ x, y, visibility }) => [x, y, visibility ?? 1]) })
    }
  })
  const size = data.width && data.height ? [data.width, data.height] : null
  return { ...gather(found, layouts.mediapipe, name, frames), fps: data.fps ?? null, size }
}

async function openPose(files, layouts) {
  const found = []
  const match = (file) => file.name.match(/^(.*?)_?(\d+)_keypoints\.json$/) ?? []
  const [, video] = match(files[0])
  const name = video || 'OpenPose'
  const odd = files.find((file) => match(file)[1] === undefined || match(file)[1] !== video)
  if (odd) throw new Error(`${odd.name}: not of OpenPose's files of one video; give one recording at a time`)
  const sorted = [...files].sort((a, b) => match(a)[2] - match(b)[2])
  const start = +match(sorted[0])[2]
  for (const [i, file] of sorted.entries()) {
    if (+match(file)[2] !== start + i) throw new Error(`${name}: no file of frame ${start + i}; give those of all frames`)
    for (const { pose_keypoints_2d: values, person_id: [id = -1] = [] } of parsed(await file.text(), file.name).people ?? []) {
      const joints = Array.from({ length: values.length / 3 }, (_, j) => values.slice(3 * j, 3 * j + 3))
      if (joints.length) found.push({ frame: i, track: id >= 0 ? `${id}` : null, joints })
    }
  }
  const count = found[0]?.joints.length ?? 25
  const joints = { 25: layouts.openpose_body25, 18: layouts.openpose_coco18 }[count]
  const wrong = found.find((one) => one.joints.length !== count)
  if (!joints || wrong) throw new Error(`${name}: ${wrong?.joints.length ?? count} joints in a frame, expected BODY_25 or COCO's 18 in all`)
  return gather(found, joints, name, files.length)
}

/** Poses of detections {frame, track, joints: [x, y, score] of each}. */
function gather(found, joints, name, frames = 0) {
  if (!found.length) throw new Error(`${name}: nobody in any frame`)
  const tracked = found.every(({ track }) => track !== null)
  const [rows, seen] = [new Map(), new Map()]
  for (const one of found) {
    frames = Math.max(frames, one.frame + 1)
    const here = seen.get(one.frame) ?? seen.set(one.frame, new Set()).get(one.frame)
    const track = tracked ? one.track : here.size
    if (here.has(track)) throw new Error(`${name}: ${track} is twice in frame ${one.frame}`)
    here.add(track)
    if (!rows.has(track)) rows.set(track, rows.size)
    one.row = rows.get(track)
  }
  if (frames > 1000 * (found.length + 10)) throw new Error(`${name}: frames up to ${frames - 1}, but only ${found.length} rows`)
  const points = new Float32Array(rows.size * frames * joints.length * 3)
  for (const { row, frame, joints: values } of found) {
    values.forEach((value, joint) => points.set(value, ((row * frames + frame) * joints.length + joint) * 3))
  }
  return cleaned({ name: stem(name), joints, people: tracked ? [...rows.keys()] : [], count: rows.size, frames, fps: null, size: null, points, notes: [] })
}

/** Marks missing joints by 0, and says whether coordinates are fractions of the image. */
function cleaned(poses) {
  const { points } = poses
  let pixels = 0
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, score] = points.subarray(i, i + 3)
    const isSeen = Number.isFinite(x + y + score) && score > 0
    if (!isSeen) points.fill(0, i, i + 3)
    else pixels += Math.max(x, y) > 2 ? 1 : -1
  }
  return { ...poses, isFraction: pixels < 0 }
}

// NumPy's archives

async function unzipped(file) {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const view = new DataView(bytes.buffer)
  const found = {}
  let end = bytes.length - 22
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--
  if (end < 0) throw new Error(`${file.name}: is no npz file, or cut short`)
  let at = view.getUint32(end + 16, true)
  for (let i = 0; i < view.getUint16(end + 10, true); i++) {
    const [method, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)]
    const [name, more, note] = [28, 30, 32].map((field) => view.getUint16(at + field, true))
    const own = view.getUint32(at + 42, true)
    const start = own + 30 + view.getUint16(own + 26, true) + view.getUint16(own + 28, true)
    const blob = new Blob([bytes.subarray(start, start + size)])
    const content = method ? blob.stream().pipeThrough(new DecompressionStream('deflate-raw')) : blob
    const key = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name))
    found[stem(key)] = array(new Uint8Array(await new Response(content).arrayBuffer()), `${file.name}: ${key}`)
    at += 46 + name + more + note
  }
  return found
}

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, i8: BigInt64Array, u1: Uint8Array }

function array(bytes, name) {
  const start = 10 + new DataView(bytes.buffer).getUint16(8, true)
  const head = new TextDecoder().decode(bytes.subarray(10, start))
  const [, order, kind, width] = head.match(/'descr': '([<|>])(\w)(\d+)'/) ?? []
  const shape = (head.match(/'shape': \(([^)]*)\)/)?.[1] ?? '').split(',').filter((n) => n.trim()).map(Number)
  if (kind === 'U') {
    const points = new Uint32Array(bytes.slice(start).buffer)
    const texts = Array.from({ length: points.length / width }, (_, i) =>
      String.fromCodePoint(...points.subarray(i * width, (i + 1) * width).filter(Boolean)))
    return { shape, values: texts }
  }
  const type = TYPES[kind + width]
  if (!type || order === '>') throw new Error(`${name} has the type ${order}${kind}${width}, expected numbers of 32 or 64 bits`)
  const values = Array.from(new type(bytes.slice(start).buffer), Number)
  if (!head.includes("'fortran_order': True")) return { shape, values }
  const placed = (_, i) => {
    let [at, size] = [0, values.length]
    for (const count of [...shape].reverse()) {
      size /= count
      at += (i % count) * size
      i = Math.floor(i / count)
    }
    return values[at]
  }
  return { shape, values: values.map(placed) }
}

function arrays(found, name, layouts) {
  const { keypoint, keypoint_score: score, fps, people, img_shape: size } = found
  const shape = keypoint?.shape.length === 3 ? [1, ...keypoint.shape] : keypoint?.shape
  if (shape?.length !== 4 || shape[3] !== 2) {
    throw new Error(`${name}: keypoint of shape ${shape ?? 'none'}, expected (people, frames, joints, 2)`)
  }
  const [count, frames, joints] = shape
  if (score && score.values.length !== count * frames * joints) {
    throw new Error(`${name}: keypoint_score of shape ${score.shape}, but keypoint of ${shape}`)
  }
  const points = new Float32Array(count * frames * joints * 3)
  for (let i = 0; i < count * frames * joints; i++) {
    points.set([keypoint.values[2 * i], keypoint.values[2 * i + 1], score?.values[i] ?? 1], 3 * i)
  }
  const names = found.joints?.values ?? layouts[found.skeleton?.values[0]] ?? Array.from({ length: joints }, (_, i) => `${i}`)
  if (names.length !== joints) throw new Error(`${name}: ${names.length} names of joints, but keypoint has ${joints}`)
  const tracks = people?.values.map(String) ?? Array.from({ length: count }, (_, i) => `${i}`)
  return cleaned({ name: stem(name), joints: names, people: tracks, count, frames, fps: fps?.values[0] ?? null, size: size ? [size.values[1], size.values[0]] : null, points, notes: [] })
}
