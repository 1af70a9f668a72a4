// The picture: a video, a skeleton, or one over the other.
import { Icon } from './icons.js'
import { keep, kept } from './kept.js'
import { adopt, pause, point, toggle, video } from './player.js'
import { change, complain, hooks, state } from './view.js'
import { html, useEffect, useRef, useState } from './vendor/preact.js'

// Poses, in pieces

const PIECE = 512
let pieces = new Map()
let owner = null

function piece(number) {
  const { recording } = state
  const start = number * PIECE
  if (start < 0 || start >= recording.frames) return null
  if (!pieces.has(number)) {
    if (pieces.size > 11) pieces.delete(pieces.keys().next().value)
    pieces.set(number, null)
    const mine = pieces
    hooks.poses(recording.id, start, Math.min(start + PIECE, recording.frames)).then(
      (loaded) => {
        mine.set(number, loaded)
        change(false)
      },
      (error) => {
        setTimeout(() => mine.delete(number), 3000)
        complain(error)
      },
    )
  }
  return pieces.get(number)
}

/**
 * The joints of all people at a frame, then objects, as x, y and confidence, flat; null
 * while being loaded.
 */
function poseAt(frame) {
  const { id, skeleton } = state.recording
  const { people, joints, objects } = skeleton
  if (owner !== [id, people, joints, objects].join()) {
    owner = [id, people, joints, objects].join()
    pieces = new Map()
  }
  const number = Math.floor(frame / PIECE)
  const here = piece(number)
  if (frame % PIECE > PIECE / 2) piece(number + 1)
  const size = objects.reduce((sum, [, , points]) => sum + points, people * joints.length) * 3
  const start = (frame - number * PIECE) * size
  return here && here.subarray(start, start + size)
}

// Drawing

function side(name) {
  if (/left/i.test(name) || /^[lL]([\W_]|[A-Z][a-z])|[\W_][lL]$/.test(name)) return 0
  if (/right/i.test(name) || /^[rR]([\W_]|[A-Z][a-z])|[\W_][rR]$/.test(name)) return 1
  return 2
}
const between = (a, b) => (a === b ? a : a + b === 1 ? 2 : Math.min(a, b))

const sideColors = ['#ff9f1c', '#2ec4ff', '#7ee081'] // left, right, middle
const oneColor = '#ffd60a'

/** Draws a box as an outline, and anything else as dots, with its name above. */
function drawObject(pen, [name, ink, count], points) {
  if (!points.length) return
  pen.strokeStyle = pen.fillStyle = ink
  pen.lineWidth = 2
  pen.beginPath()
  if (count === 4 && points.length === 4) {
    for (const point of points) pen.lineTo(...point)
    pen.closePath()
    pen.stroke()
  } else {
    for (const [x, y] of points) {
      pen.moveTo(x + 4, y)
      pen.arc(x, y, 4, 0, 7)
    }
    pen.fill()
  }
  const [x, y] = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])))
  pen.font = '12px sans-serif'
  pen.lineWidth = 3
  pen.strokeStyle = '#000a'
  pen.strokeText(name, x, y - 6)
  pen.fillText(name, x, y - 6)
}

// What is seen: all, or where bodies are; zoomed by the wheel, moved by a drag, in pixels.
const camera = { zoom: 1, x: 0, y: 0 }
const follows = () => kept('follow', true)
const MARGIN = 16
// As much is seen around the body that is followed, alone or of several.
const [ALONE, AROUND] = [1.15, 1.8]
const WORTH = 1.1 // so much larger are bodies that are followed

/** The centre of the labelled body around a frame, or null while being loaded. */
function centre(frame) {
  const { fps, skeleton } = state.recording
  const count = skeleton.joints.length
  const sum = [0, 0, 0]
  for (let i = -10; i <= 10; i++) {
    const pose = poseAt(Math.round(frame + (i * fps) / 10))
    const box = [Infinity, Infinity, -Infinity, -Infinity]
    for (let joint = 0; pose && joint < count; joint++) {
      const [x, y] = [pose[3 * joint], pose[3 * joint + 1]]
      if (!(x + y < Infinity)) continue // NaN: missing
      box[0] = Math.min(box[0], x)
      box[1] = Math.min(box[1], y)
      box[2] = Math.max(box[2], x)
      box[3] = Math.max(box[3], y)
    }
    if (box[0] > box[2]) continue
    sum[0] += (box[0] + box[2]) / 2
    sum[1] += (box[1] + box[3]) / 2
    sum[2]++
  }
  return sum[2] ? [sum[0] / sum[2], sum[1] / sum[2]] : null
}

/** How pixels of the recording lie in a picture of this size. */
export function fitted(w, h) {
  const { skeleton } = state.recording
  const bounds = state.picture === 'video' ? null : skeleton?.bounds
  const margin = bounds ? MARGIN : 0
  const box = bounds ?? [0, 0, video?.videoWidth || w, video?.videoHeight || h]
  const scaled = (bw, bh) => Math.min((w - 2 * margin) / (bw || 1), (h - 2 * margin) / (bh || 1))
  let scale = scaled(box[2] - box[0], box[3] - box[1])
  let middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
  const near = bounds && skeleton.reach[1] > 0 ? scaled(...skeleton.reach) / (skeleton.people > 1 ? AROUND : ALONE) : 0
  if (follows() && near > WORTH * scale) {
    scale = near
    middle = centre(state.frame) ?? middle
  }
  scale *= camera.zoom
  return {
    scale,
    left: w / 2 + camera.x - middle[0] * scale,
    top: h / 2 + camera.y - middle[1] * scale,
  }
}

/** The visible part, in pixels of the recording, as an SVG states it. */
export function viewBox(w, h) {
  const { scale, left, top } = fitted(w, h)
  return [-left / scale, -top / scale, w / scale, h / scale].join(' ')
}

function wheel(event) {
  event.preventDefault()
  const box = event.currentTarget.getBoundingClientRect()
  const by = 1.0015 ** -(event.deltaMode ? event.deltaY * 30 : event.deltaY)
  const zoom = Math.max(0.5, Math.min(camera.zoom * by, 30))
  // What is under the mouse stays there.
  const stay = (at, size, moved) => at - size / 2 - ((at - size / 2 - moved) * zoom) / camera.zoom
  camera.x = stay(event.clientX - box.left, box.width, camera.x)
  camera.y = stay(event.clientY - box.top, box.height, camera.y)
  camera.zoom = zoom
  change()
}

let dragged = false
function drag(event) {
  dragged = false
  const { target, clientX: x, clientY: y } = event
  if (event.button || target.closest('.corner, .drawing, button')) return
  const { x: left, y: top } = camera
  target.setPointerCapture(event.pointerId)
  target.onpointermove = ({ clientX, clientY }) => {
    dragged ||= Math.hypot(clientX - x, clientY - y) > 4
    if (dragged) Object.assign(camera, { x: left + clientX - x, y: top + clientY - y })
    change(false)
  }
  target.onlostpointercapture = () => (target.onpointermove = null)
}

/** Looks at bodies, or at all, without what was zoomed and moved. */
function frameIt(follow) {
  keep('follow', follow)
  Object.assign(camera, { zoom: 1, x: 0, y: 0 })
  change()
}

/** Where a video of some size lies so that its skeleton is over it. */
function videoStyle([w, h]) {
  if (!video?.videoWidth || !w) return {}
  const { scale, left, top } = fitted(w, h)
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale]
  return { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }
}

let hovered = null // the joint under the mouse: its index, place and name

/** Finds the joint under the mouse. */
function hover(event) {
  const pose = canvas && state.recording.skeleton && poseAt(state.frame)
  if (!pose) return
  const { joints, people } = state.recording.skeleton
  const box = canvas.getBoundingClientRect()
  const { scale, left, top } = fitted(box.width, box.height)
  const away = (i) =>
    Math.hypot(
      left + pose[3 * i] * scale - (event.clientX - box.left),
      top + pose[3 * i + 1] * scale - (event.clientY - box.top),
    )
  let found = null
  for (let i = 0; i < people * joints.length; i++) {
    if (away(i) < (found === null ? 12 : away(found))) found = i
  }
  if (found === hovered) return
  hovered = found
  event.currentTarget.title = found === null ? '' : joints[found % joints.length]
  change(false)
}

const TRAIL = 15 // dots of the second before

/** The joints at the ends of limbs, whose ways are drawn; all where there are no limbs. */
function ends({ joints, limbs }) {
  const all = [...joints.keys()]
  const count = (joint) => limbs.filter((limb) => limb.includes(joint)).length
  return limbs.length ? all.filter((joint) => count(joint) === 1) : all
}

let drawn = ''

function drawPose(canvas, over) {
  const { recording, frame } = state
  const ratio = devicePixelRatio || 1
  const [w, h] = [canvas.clientWidth, canvas.clientHeight]
  const pose = poseAt(frame)
  const { scale, left, top } = fitted(w, h)
  const trails = kept('trails', true)
  const now = [
    recording.id, frame, !!pose, w, h, ratio, over?.videoWidth, hovered, scale, left, top, trails,
  ].join()
  if (now === drawn) return
  drawn = now
  if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio)
  if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio)
  const pen = canvas.getContext('2d')
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, w, h)
  const { skeleton, fps } = recording
  const { joints, limbs, people, objects } = skeleton
  if (!pose) return
  const sides = joints.map(side)
  const plain = sides.every((s) => s === 2)
  const color = (s) => (plain ? oneColor : sideColors[s])
  const put = (pose, i) => [left + pose[3 * i] * scale, top + pose[3 * i + 1] * scale]
  const isThere = ([x, y]) => x + y < Infinity // NaN: missing
  const thick = Math.max(2, Math.min((skeleton.reach[1] * scale) / 90, 5))
  if (pose.every(Number.isNaN)) {
    pen.fillStyle = '#a9b4c2'
    pen.font = '13px sans-serif'
    pen.fillText('No joint is seen in this frame', 12, 22)
  }
  let first = people * joints.length
  for (const object of objects) {
    const points = Array.from({ length: object[2] }, (_, i) => put(pose, first + i))
    drawObject(pen, object, points.filter(isThere))
    first += object[2]
  }
  const line = (a, b, width, ink) => {
    pen.strokeStyle = ink
    pen.lineWidth = width
    pen.beginPath()
    pen.moveTo(...a)
    pen.lineTo(...b)
    pen.stroke()
  }
  pen.lineCap = 'butt'
  const before = (i) => poseAt(Math.round(frame - (i * fps) / TRAIL))
  for (let i = TRAIL; trails && i > 0; i--) {
    const [from, to] = [before(i), before(i - 1)]
    if (!from || !to) continue
    pen.globalAlpha = 0.55 * (1 - i / (TRAIL + 1))
    for (const joint of ends(skeleton)) {
      const [a, b] = [put(from, joint), put(to, joint)]
      if (isThere(a) && isThere(b)) line(a, b, thick, color(sides[joint]))
    }
  }
  pen.lineCap = 'round'
  for (let person = people - 1; person >= 0; person--) {
    const index = (joint) => person * joints.length + joint
    const fade = (...all) => {
      const sure = Math.min(...all.map((joint) => pose[3 * index(joint) + 2]))
      pen.globalAlpha = (person ? 0.55 : 1) * (0.3 + 0.7 * sure)
    }
    pen.setLineDash(skeleton.guessed ? [2, 2.5 * thick] : [])
    for (const [a, b] of limbs) {
      const [from, to] = [put(pose, index(a)), put(pose, index(b))]
      if (!isThere(from) || !isThere(to)) continue
      fade(a, b)
      if (over) line(from, to, 2 * thick, '#000a')
      line(from, to, thick, color(between(sides[a], sides[b])))
    }
    pen.setLineDash([])
    joints.forEach((_, joint) => {
      const [x, y] = put(pose, index(joint))
      if (!isThere([x, y])) return
      fade(joint)
      pen.fillStyle = color(sides[joint])
      pen.beginPath()
      const isHere = index(joint) === hovered
      pen.arc(x, y, 1.3 * thick + (isHere ? 2 : 0), 0, 7)
      pen.fill()
      if (!isHere) return
      pen.font = '13px sans-serif'
      pen.lineWidth = 3
      pen.strokeStyle = '#000c'
      pen.strokeText(joints[joint], x + 8, y - 8)
      pen.fillText(joints[joint], x + 8, y - 8)
    })
  }
  pen.globalAlpha = 1
}

let canvas = null
const hold = (element) => {
  canvas = element
  drawn = ''
  change(false)
}

export function drawPicture() {
  const area = document.querySelector('.picture')
  const size = [area.clientWidth, area.clientHeight]
  if (video) Object.assign(video.style, videoStyle(size))
  area.querySelector('.places')?.setAttribute('viewBox', viewBox(...size))
  if (canvas && state.recording?.skeleton) drawPose(canvas, overlaid() ? video : null)
}
const overlaid = () => video && state.picture !== 'skeleton'

/**
 * The area with the video, of that address, and the skeleton of the open recording.
 * `over` is what else is in a picture of some size.
 */
export function Picture({ video: address, broken, absent, over }) {
  const { recording, picture } = state
  const element = useRef()
  const area = useRef()
  const [size, setSize] = useState([0, 0])
  useEffect(() => {
    const measure = () => setSize([area.current.clientWidth, area.current.clientHeight])
    const seen = new ResizeObserver(measure)
    seen.observe(area.current)
    return () => seen.disconnect()
  }, [])
  useEffect(() => {
    adopt(element.current)
    return () => adopt(null)
  }, [recording.id, recording.video])
  useEffect(() => {
    const seen = new ResizeObserver(() => change(false))
    if (canvas) seen.observe(canvas)
    return () => seen.disconnect()
  })
  const failed = () => {
    adopt(null)
    broken()
  }
  const both = recording.video && recording.skeleton
  const click = () => dragged || toggle()
  const look = (follow, words) => html`<button
    aria-pressed=${follows() === follow} title=${words} onClick=${() => frameIt(follow)}
  ><${Icon} name=${follow ? 'follow' : 'whole'} />${follow ? 'Follow' : 'Whole'}</button>`
  const trail = () => {
    keep('trails', !kept('trails', true))
    change()
  }
  return html`<div
    class="picture" onClick=${click} onPointerMove=${hover} onPointerDown=${drag}
    onWheel=${wheel} ref=${area}
  >
    ${recording.video &&
    html`<video
      key=${recording.id}
      ref=${element}
      src=${address}
      class=${both && picture === 'skeleton' ? 'unseen' : ''}
      style=${videoStyle(size)}
      muted
      playsinline
      preload="auto"
      aria-label=${`Video of ${recording.name}`}
      onLoadedData=${() => (point(), change())}
      onSeeked=${() => (state.playing || point(), change(false))}
      onEnded=${() => state.playing && pause()}
      onError=${failed}
    />`}
    ${recording.skeleton &&
    picture !== 'video' &&
    html`<canvas
      ref=${hold}
      role="img"
      aria-label=${`Skeleton of ${recording.name}`}
    />`}
    ${!recording.video && !recording.skeleton && html`<p>${absent}</p>`}
    ${size[0] > 0 && over?.(...size)}
    ${recording.skeleton && picture !== 'video' && html`<div
      class="looks" role="group" aria-label="View" onClick=${(event) => event.stopPropagation()}
    >
      ${look(true, 'bodies fill the picture; the wheel zooms, a drag moves')}
      ${look(false, 'all of the recording; the wheel zooms, a drag moves')}
      <button aria-pressed=${kept('trails', true)} title="the way of the last second" onClick=${trail}>Trails</button>
    </div>`}
  </div>`
}
