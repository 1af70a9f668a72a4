// The picture: a video, a skeleton, or one over the other.
import { check, place, poses as load } from './api.js'
import { Places } from './places.js'
import { adopt, pause, point, toggle, video } from './player.js'
import { attempt, change, complain, state } from './state.js'
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
    load(recording.id, start, Math.min(start + PIECE, recording.frames)).then(
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

/** The joints of all people at a frame, then objects, flat; null while being loaded. */
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
  const size = objects.reduce((sum, [, , points]) => sum + points, people * joints.length) * 2
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

/** How pixels of the recording lie in a picture of this size: where bodies are, fills it. */
export function fitted(w, h) {
  const bounds = state.picture === 'video' ? null : state.recording.skeleton?.bounds
  const margin = bounds ? 12 : 0
  const box = bounds ?? [0, 0, video?.videoWidth || w, video?.videoHeight || h]
  const [bw, bh] = [box[2] - box[0] || 1, box[3] - box[1] || 1]
  const scale = Math.min((w - 2 * margin) / bw, (h - 2 * margin) / bh)
  return {
    scale,
    left: (w - bw * scale) / 2 - box[0] * scale,
    top: (h - bh * scale) / 2 - box[1] * scale,
  }
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
      left + pose[2 * i] * scale - (event.clientX - box.left),
      top + pose[2 * i + 1] * scale - (event.clientY - box.top),
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

let drawn = ''

function drawPose(canvas, over) {
  const { recording, frame } = state
  const ratio = devicePixelRatio || 1
  const [w, h] = [canvas.clientWidth, canvas.clientHeight]
  const pose = poseAt(frame)
  const now = [recording.id, frame, !!pose, w, h, ratio, over?.videoWidth, hovered].join()
  if (now === drawn) return
  drawn = now
  if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio)
  if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio)
  const pen = canvas.getContext('2d')
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, w, h)
  const { joints, limbs, people, objects } = recording.skeleton
  if (!pose) return
  const { scale, left, top } = fitted(w, h)
  const sides = joints.map(side)
  const plain = sides.every((s) => s === 2)
  const color = (s) => (plain ? oneColor : sideColors[s])
  pen.lineCap = 'round'
  let first = people * joints.length
  for (const object of objects) {
    const points = Array.from({ length: object[2] }, (_, i) => {
      const at = (first + i) * 2
      return [left + pose[at] * scale, top + pose[at + 1] * scale]
    })
    drawObject(pen, object, points.filter(([x, y]) => x + y < Infinity)) // NaN: missing
    first += object[2]
  }
  for (let person = people - 1; person >= 0; person--) {
    const point = (joint) => {
      const i = (person * joints.length + joint) * 2
      return [left + pose[i] * scale, top + pose[i + 1] * scale]
    }
    pen.globalAlpha = person ? 0.55 : 1
    const line = (a, b, width, ink) => {
      pen.strokeStyle = ink
      pen.lineWidth = width
      pen.beginPath()
      pen.moveTo(...a)
      pen.lineTo(...b)
      pen.stroke()
    }
    for (const [a, b] of limbs) {
      const [from, to] = [point(a), point(b)]
      if (!(from[0] + from[1] + to[0] + to[1] < Infinity)) continue // NaN: missing
      if (over) line(from, to, 5, '#000a')
      line(from, to, 2.5, color(between(sides[a], sides[b])))
    }
    joints.forEach((_, joint) => {
      const [x, y] = point(joint)
      if (!(x + y < Infinity)) return
      pen.fillStyle = color(sides[joint])
      pen.beginPath()
      const isHere = person * joints.length + joint === hovered
      pen.arc(x, y, isHere ? 5 : 3, 0, 7)
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
const keep = (element) => {
  canvas = element
  drawn = ''
  change(false)
}

export function drawPicture() {
  if (canvas && state.recording?.skeleton) drawPose(canvas, overlaid() ? video : null)
}
const overlaid = () => video && state.picture !== 'skeleton'

function absent() {
  return state.project.conversion.state === 'running' ? 'The video is being converted.' : 'There is nothing to see.'
}

/** The area with the video and the skeleton of the open recording. */
export function Picture() {
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
  const broken = () => {
    adopt(null)
    attempt(async () => {
      await check(`${place(recording.id)}/video`)
      throw new Error(`this browser cannot play the video of ${recording.name}`)
    })
  }
  const both = recording.video && recording.skeleton
  return html`<div class="picture" onClick=${toggle} onPointerMove=${hover} ref=${area}>
    ${recording.video &&
    html`<video
      key=${recording.id}
      ref=${element}
      src=${`api/${place(recording.id)}/video`}
      class=${both && picture === 'skeleton' ? 'unseen' : ''}
      style=${videoStyle(size)}
      muted
      playsinline
      preload="auto"
      aria-label=${`Video of ${recording.name}`}
      onLoadedData=${() => (point(), change())}
      onSeeked=${() => (state.playing || point(), change(false))}
      onEnded=${() => state.playing && pause()}
      onError=${broken}
    />`}
    ${recording.skeleton &&
    picture !== 'video' &&
    html`<canvas
      ref=${keep}
      role="img"
      aria-label=${`Skeleton of ${recording.name}`}
    />`}
    ${!recording.video && !recording.skeleton && html`<p>${absent()}</p>`}
    ${size[0] > 0 && html`<${Places} width=${size[0]} height=${size[1]} />`}
  </div>`
}
