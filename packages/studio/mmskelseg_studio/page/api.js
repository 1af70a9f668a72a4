// Talks to the server: questions at once, changes one after the other.

class Failure extends Error {
  constructor(status, sentence) {
    super(sentence)
    this.status = status
  }
}

async function call(path, options) {
  let reply
  try {
    reply = await fetch(`api/${path}`, options)
  } catch {
    throw new Failure(0, 'the studio does not answer; is its command still running?')
  }
  if (reply.ok) return reply
  const body = await reply.json().catch(() => ({}))
  throw new Failure(reply.status, body.error || `the studio answered ${reply.status}`)
}

export const get = async (path) => (await call(path)).json()

export const post = async (path, body) => {
  const headers = { 'Content-Type': 'application/json' }
  return (await call(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}

/** Asks for a single byte, since only the failure is of interest. */
export const check = (path) => call(path, { headers: { Range: 'bytes=0-0' } })

export async function poses(id, start, end) {
  const reply = await call(`${place(id)}/poses?start=${start}&end=${end}`)
  return new Float32Array(await reply.arrayBuffer())
}

export const place = (id) => `recordings/${encodeURIComponent(id)}`

/** Sends changes in order, each with the newest revision, until the server has them. */
export class Outbox {
  items = []
  revision = 0
  problem = null
  busy = false
  #waiting = []

  /** `on` has done(item, reply), refused(error), conflict() and changed(). */
  constructor(on) {
    this.on = on
  }

  send(path, body, more = {}) {
    return new Promise((settle) => {
      this.items.push({ path, body, settle, ...more })
      this.on.changed()
      this.#run()
    })
  }

  /** Resolves when nothing waits any more. */
  empty() {
    if (!this.busy) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async #run() {
    if (this.busy) return
    this.busy = true
    while (this.items.length) {
      const item = this.items[0]
      try {
        const reply = await post(item.path, { ...item.body, revision: this.revision })
        this.revision = reply.revision
        this.problem = null
        this.items.shift()
        await this.on.done(item, reply)
        item.settle(reply)
      } catch (error) {
        await this.#failed(item, error)
      }
      this.on.changed()
    }
    this.busy = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #failed(item, error) {
    if ([400, 413, 422].includes(error.status)) {
      this.items = this.items.filter((other) => other !== item)
      item.settle(null)
      return this.on.refused(error)
    }
    try {
      if (error.status === 409) return await this.on.conflict()
    } catch (again) {
      error = again
    }
    this.problem = error.message
    this.on.changed()
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
