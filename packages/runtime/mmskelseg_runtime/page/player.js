// The player: a video or a clock. While it plays it says the frame; else the frame leads.
import { change, follow, say, state } from './view.js'

/** The element of the open recording's video, if it has one that plays. */
export let video = null
let since = null // {time, frame} from which the clock counts where there is no video

const end = () => state.recording.frames - 1

let reached = () => {} // what happens when a recording was played to its end
export const atEnd = (deed) => (reached = deed)

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

export function adopt(element) {
  video = element
  point()
}

/** Brings the video to the frame; while it seeks, it is asked again when done. */
export function point() {
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

export const speeds = [0.25, 0.5, 1, 2, 4]

export const faster = (by) => setSpeed(speeds[speeds.indexOf(state.speed) + by] ?? state.speed)

export function setSpeed(speed) {
  state.speed = speed
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
  if (frame >= end()) {
    pause()
    reached()
  }
}

function tick(now = performance.now()) {
  if (!state.playing) return
  const { fps } = state.recording
  if (video) {
    video.requestVideoFrameCallback((_, { mediaTime }) => {
      if (!state.playing) return
      if (!video?.seeking) arrived(Math.round(mediaTime * fps))
      tick()
    })
    return
  }
  since ||= { time: now, frame: state.frame }
  const frame = since.frame + Math.floor(((now - since.time) / 1000) * fps * state.speed)
  if (frame !== state.frame) arrived(frame)
  requestAnimationFrame(tick)
}
