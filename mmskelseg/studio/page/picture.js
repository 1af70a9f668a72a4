// The player, and the picture: a video, a skeleton, or one over the other.
import { poses as load } from './api.js'
import { change, complain, follow, say, state } from './state.js'
import { html, useEffect, useRef } from './vendor/preact.js'

// The player. While a video plays it says the frame; otherwise the frame leads.

let video = null
let since = null // {time, frame} from which the clock counts where there is no video

const end = () => state.recording.frames - 1

/** Who moves on means what is at the playhead, no longer the segment clicked before. */
function letGo() {
  if (!state.selection?.segment) return
  state.selection = null
  change()
}

/** Goes to a frame; the timeline turns its page unless told to stay. */
export function seek(frame, turn = true) {
  frame = Math.max(0, Math.min(Math.round(frame), end()))
  letGo()
  state.frame = frame
  since = null
  if (turn) follow()
  point()
  change(false)
}

/** Brings the video to the frame; while it seeks, it is asked again when done. */
function point() {
  if (!video || video.seeking || !video.readyState) return
  const time = (state.frame + 0.5) / state.recording.fps
  if (Math.abs(video.currentTime - time) > 0.3 / state.recording.fps) {
    video.currentTime = Math.min(time, video.duration || time)
  }
}

export function play() {
  if (state.frame >= end()) seek(0)
  letGo()
  state.playing = true
  since = null
  if (video) {
    video.playbackRate = state.speed
    video.play().catch(() => pause())
  }
  change()
  tick()
}

export function pause() {
  state.playing = false
  video?.pause()
  point()
  change()
}

export const toggle = () => (state.playing ? pause() : play())

const speeds = [0.25, 0.5, 1, 2, 4]

export function faster(by) {
  const i = speeds.indexOf(state.speed) + by
  state.speed = speeds[Math.max(0, Math.min(i, speeds.length - 1))]
  if (video) video.playbackRate = state.speed
  since = null
  say(`speed ${state.speed}`)
}

function arrived(frame) {
  const { loop } = state
  if (loop && frame >= loop.end) return seek(loop.start)
  state.frame = Math.max(0, Math.min(frame, end()))
  follow()
  change(false)
  if (frame >= end()) pause()
}

function tick(now = performance.now()) {
  if (!state.playing) return
  const { fps } = state.recording
  if (video?.requestVideoFrameCallback) {
    video.requestVideoFrameCallback((_, { mediaTime }) => {
      if (!state.playing) return
      if (!video?.seeking) arrived(Math.round(mediaTime * fps))
      tick()
    })
    return
  }
  if (video) {
    if (!video.seeking) arrived(Math.floor(video.currentTime * fps))
  } else {
    since ||= { time: now, frame: state.frame }
    const frame = since.frame + Math.floor(((now - since.time) / 1000) * fps * state.speed)
    if (frame !== state.frame) arrived(frame)
  }
  requestAnimationFrame(tick)
}

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

/** The joints of all people at a frame, flat, or null while they are loaded. */
function poseAt(frame) {
  const { id, skeleton } = state.recording
  const { people, joints } = skeleton
  if (owner !== [id, people, joints].join()) {
    owner = [id, people, joints].join()
    pieces = new Map()
  }
  const number = Math.floor(frame / PIECE)
  const here = piece(number)
  if (frame % PIECE > PIECE / 2) piece(number + 1)
  const size = people * joints.length * 2
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

let drawn = ''

function drawPose(canvas, over) {
  const { recording, frame } = state
  const ratio = devicePixelRatio || 1
  const [w, h] = [canvas.clientWidth, canvas.clientHeight]
  const pose = poseAt(frame)
  const now = [recording.id, frame, !!pose, w, h, ratio, over?.videoWidth].join()
  if (now === drawn) return
  drawn = now
  if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio)
  if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio)
  const pen = canvas.getContext('2d')
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, w, h)
  const { joints, limbs, people, bounds } = recording.skeleton
  if (!pose) return
  const margin = over ? 0 : 12
  const box = over ? [0, 0, over.videoWidth || w, over.videoHeight || h] : bounds
  const [bw, bh] = [box[2] - box[0] || 1, box[3] - box[1] || 1]
  const scale = Math.min((w - 2 * margin) / bw, (h - 2 * margin) / bh)
  const left = (w - bw * scale) / 2 - box[0] * scale
  const top = (h - bh * scale) / 2 - box[1] * scale
  const sides = joints.map(side)
  const plain = sides.every((s) => s === 2)
  const color = (s) => (plain ? oneColor : sideColors[s])
  pen.lineCap = 'round'
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
      pen.arc(x, y, 3, 0, 7)
      pen.fill()
    })
  }
  pen.globalAlpha = 1
}

let canvas = null
const adopt = (element) => {
  canvas = element
  drawn = ''
  change(false)
}

export function drawPicture() {
  if (canvas && state.recording?.skeleton) drawPose(canvas, overlaid() ? video : null)
}
const overlaid = () => video && state.picture !== 'skeleton'

/** The area with the video and the skeleton of the open recording. */
export function Picture() {
  const { recording, picture } = state
  const element = useRef()
  useEffect(() => {
    video = element.current
    point()
    return () => (video = null)
  }, [recording.id, recording.video])
  useEffect(() => {
    const seen = new ResizeObserver(() => change(false))
    if (canvas) seen.observe(canvas)
    return () => seen.disconnect()
  })
  const broken = () => {
    video = null
    complain(new Error('this browser cannot play this video'))
  }
  const both = recording.video && recording.skeleton
  return html`<div class="picture" onClick=${toggle}>
    ${recording.video &&
    html`<video
      key=${recording.id}
      ref=${element}
      src=${`api/recordings/${encodeURIComponent(recording.id)}/video`}
      class=${both && picture === 'skeleton' ? 'unseen' : ''}
      muted
      playsinline
      preload="auto"
      aria-label=${`Video of ${recording.name}`}
      onLoadedData=${() => (point(), change(false))}
      onSeeked=${() => (state.playing || point(), change(false))}
      onEnded=${() => state.playing && pause()}
      onError=${broken}
    />`}
    ${recording.skeleton &&
    picture !== 'video' &&
    html`<canvas
      ref=${adopt}
      role="img"
      aria-label=${`Skeleton of ${recording.name}`}
    />`}
    ${!recording.video && !recording.skeleton && html`<p>There is nothing to see.</p>`}
  </div>`
}
