// The thread that runs the model, below ONNX Runtime, which is `ort`. No module, since
// browsers run none in threads of pages that are opened from a folder.
let session

async function opened({ runtime, model }) {
  Object.assign(ort.env.wasm, { wasmBinary: runtime, numThreads: 1 })
  ort.env.logLevel = 'error'
  session = await ort.InferenceSession.create(model)
  return {}
}

/** The outputs of chunks, {outer, inner: [first frame, end]}, of all frames: flat. */
async function ran({ keypoints, scores, shape, chunks, frames }) {
  const tensor = (kind, values, dims) => new ort.Tensor(kind, values, dims)
  const found = {}
  for (const { outer, inner } of chunks) {
    const made = await session.run({
      keypoints: tensor('float32', keypoints, [...shape, 2]),
      scores: tensor('float32', scores, shape),
      range: tensor('int64', BigInt64Array.from(outer, BigInt), [2]),
    })
    for (const [name, { data, dims }] of Object.entries(made)) {
      const width = dims.slice(1).reduce((a, b) => a * b, 1)
      found[name] ??= new Float32Array(frames * width)
      const [start, end] = inner.map((frame) => (frame - outer[0]) * width)
      found[name].set(data.subarray(start, end), inner[0] * width)
      made[name].dispose()
    }
    self.postMessage({ done: inner[1] / frames })
  }
  return found
}

self.onmessage = ({ data }) => {
  const work = data.model ? opened : ran
  work(data).then(
    (result) => self.postMessage({ result }),
    (error) => self.postMessage({ problem: error.message }),
  )
}
