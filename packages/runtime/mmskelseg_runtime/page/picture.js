// The picture: a video, a skeleton, or one over the other.
import { cleared } from './drawing.js'
import { Icon } from './icons.js'
import { keep, kept } from './kept.js'
import { adopt, pause, point, toggle, video } from './player.js'
import { change, complain, hooks, state } from './view.js'
import { html, useEffect, useRef } from './vendor/preact.js'

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

/** Writes over what is drawn already. */
function write(pen, words, x, y, size, edge) {
  pen.font = `${size}px sans-serif`
  pen.lineWidth = 3
  pen.strokeStyle = edge
  pen.strokeText(words, x, y)
  pen.fillText(words, x, y)
}

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
  write(pen, name, x, y - 6, 12, '#000a')
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
  const poses = Array.from({ length: 21 }, (_, i) => poseAt(Math.round(frame + ((i - 10) * fps) / 10)))
  const found = [0, 1].map((axis) => {
    const values = (pose) => skeleton.joints.map((_, joint) => pose[3 * joint + axis])
    const seen = poses.map((pose) => (pose ? values(pose).filter(Number.isFinite) : []))
    const middles = seen.filter((all) => all.length).map((all) => (Math.min(...all) + Math.max(...all)) / 2)
    return middles.reduce((sum, one) => sum + one, 0) / middles.length
  })
  return found.some(Number.isNaN) ? null : found
}

/** How pixels of the recording lie in the picture. */
export function fitted() {
  const { skeleton } = state.recording
  const { clientWidth: w, clientHeight: h } = document.querySelector('.picture')
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

/** Where a pointer in the picture is, in pixels of the recording. */
export function placeOf({ clientX, clientY }) {
  const box = document.querySelector('.picture').getBoundingClientRect()
  const { scale, left, top } = fitted()
  return [(clientX - box.left - left) / scale, (clientY - box.top - top) / scale]
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

let hovered = null // the joint under the mouse: its index, place and name

/** Finds the joint under the mouse. */
function hover(event) {
  const { skeleton } = state.recording
  const pose = skeleton && state.picture !== 'video' && poseAt(state.frame)
  if (!pose) return
  const { joints, people } = skeleton
  const { scale } = fitted()
  const [x, y] = placeOf(event)
  const away = (i) => scale * Math.hypot(pose[3 * i] - x, pose[3 * i + 1] - y)
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

/** Draws the skeleton, `over` a video or not. */
function drawPose(canvas, over) {
  const { frame, recording } = state
  const pose = poseAt(frame)
  const { scale, left, top } = fitted()
  const pen = cleared(canvas, canvas.clientWidth, canvas.clientHeight)
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
  const moving = kept('trails', true) ? ends(skeleton) : []
  for (let i = TRAIL; i > 0; i--) {
    const [from, to] = [before(i), before(i - 1)]
    if (!from || !to) continue
    pen.globalAlpha = 0.55 * (1 - i / (TRAIL + 1))
    for (const joint of moving) {
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
      if (isHere) write(pen, joints[joint], x + 8, y - 8, 13, '#000c')
    })
  }
  pen.globalAlpha = 1
}

/** Draws the skeleton, and brings the video and the places to where it lies. */
export function drawPicture() {
  const area = document.querySelector('.picture')
  const { scale, left, top } = fitted()
  if (video?.videoWidth) {
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale]
    for (const [name, size] of Object.entries({ left, top, width, height })) video.style[name] = `${size}px`
  }
  const seen = [-left, -top, area.clientWidth, area.clientHeight].map((size) => size / scale)
  area.querySelector('.places')?.setAttribute('viewBox', seen.join(' '))
  const canvas = area.querySelector('canvas')
  if (canvas) drawPose(canvas, video && state.picture !== 'skeleton')
}

/**
 * The area with the video, of that address, and the skeleton of the open recording.
 * `children` are over it.
 */
export function Picture({ video: address, broken, absent, children }) {
  const { recording, picture } = state
  const element = useRef()
  const area = useRef()
  useEffect(() => {
    const sizes = new ResizeObserver(() => change())
    sizes.observe(area.current)
    return () => sizes.disconnect()
  }, [])
  useEffect(() => {
    adopt(element.current)
    return () => adopt(null)
  }, [recording.id, recording.video])
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
      key=${recording.id} ref=${element} src=${address}
      class=${both && picture === 'skeleton' ? 'unseen' : ''}
      muted playsinline preload="auto"
      aria-label=${`Video of ${recording.name}`}
      onLoadedData=${() => (point(), change())}
      onSeeked=${() => (state.playing || point(), change(false))}
      onEnded=${() => state.playing && pause()}
      onError=${failed}
    />`}
    ${recording.skeleton &&
    picture !== 'video' &&
    html`<canvas role="img" aria-label=${`Skeleton of ${recording.name}`} />`}
    ${!recording.video && !recording.skeleton && html`<p>${absent}</p>`}
    ${area.current && children}
    ${recording.skeleton && picture !== 'video' && html`<div
      class="looks" role="group" aria-label="View" onClick=${(event) => event.stopPropagation()}
    >
      ${look(true, 'bodies fill the picture; the wheel zooms, a drag moves')}
      ${look(false, 'all of the recording; the wheel zooms, a drag moves')}
      <button aria-pressed=${kept('trails', true)} title="the way of the last second" onClick=${trail}>Trails</button>
    </div>`}
  </div>`
}
