// SPDX-License-Identifier: Apache-2.0

/**
 * One request and its answer.
 *
 * @module
 */

import { Ts2021Error } from '../errors.ts'
import { Http2Code } from './errors.ts'
import type { HeaderField } from './hpack.ts'
import type { RequestHeaders } from './request-headers.ts'

/** A request, and the means to answer it. None of its methods throws after the stream is over. */
export interface ServerStream {
  readonly headers: RequestHeaders
  /** Answered whole, reset, or cut off with its connection. */
  readonly closed: boolean
  /** Whether an answer was begun. */
  readonly responded: boolean
  /**
   * Reads the whole body; at most once.
   *
   * @throws Ts2021Error `body-too-large` beyond `limit` bytes; `closed` if it is cut; `timeout` if the
   *   signal says so. The stream can still be answered after the first and the last.
   */
  readBody(
    limit: number,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>
  /** Begins the answer. */
  respond(status: number, headers?: Readonly<Record<string, string>>): void
  /** Sends bytes of the body; false asks to wait for {@link ServerStream.onDrain} before more. */
  write(...parts: readonly (Uint8Array | string)[]): boolean
  /** Ends the answer after what was written. What has not come of the request is not waited for. */
  end(bytes?: Uint8Array | string): void
  /** Ends the stream at once. */
  reset(code?: Http2Code): void
  /** Calls back each time that everything was taken after `write` returned false. */
  onDrain(resume: () => void): void
  /** Calls back once, when the stream is over; soon, if it is already. */
  onClose(closed: () => void): void
}

/** What a stream asks of its connection. */
export interface StreamHost {
  sendHeaders(stream: number, fields: readonly HeaderField[], isLast: boolean): void
  /** Sends bytes of a stream that has nothing queued, if windows and transport take all of them in one frame. */
  sendNow(stream: Http2Stream, bytes: Uint8Array): boolean
  /** Sends what is queued, as far as windows and transport allow; whether all of it has gone. */
  pump(stream: Http2Stream): boolean
  sendReset(stream: number, code: Http2Code): void
  /** Says that nothing more of a request is wanted, when the client has had time to read the answer. */
  sendResetSoon(stream: number): void
  /** Lets the client send as much of its body as it has sent. */
  credit(stream: Http2Stream): void
  forget(stream: Http2Stream): void
}

interface BodyReader {
  readonly limit: number
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: Ts2021Error) => void
}

const EMPTY = new Uint8Array()
const FIRST_ROOM = 1024

/** A stream as its connection sees it. */
export class Http2Stream implements ServerStream {
  readonly id: number
  readonly headers: RequestHeaders
  closed = false
  responded = false
  /** What the client still takes, and may still send. */
  sendWindow: number
  receiveWindow: number
  /** Not sent yet. */
  readonly queue: Uint8Array[] = []
  /** The answer ends when the queue is empty. */
  ending = false
  /** Somebody waits for the queue to be taken. */
  needsDrain = false
  /** The whole request was received. */
  remoteEnded = false
  readonly #host: StreamHost
  /** What the request says that its body has; -1 if it says nothing. */
  readonly #announced: number
  #body: Uint8Array = EMPTY
  #received = 0
  #reader: BodyReader | undefined
  /** Nobody will want what comes. */
  #deaf = false
  #onDrain: (() => void) | undefined
  #onClose: (() => void)[] = []

  constructor(
    id: number,
    headers: RequestHeaders,
    host: StreamHost,
    windows: { readonly send: number; readonly receive: number },
  ) {
    this.id = id
    this.headers = headers
    this.#host = host
    this.sendWindow = windows.send
    this.receiveWindow = windows.receive
    const length = headers['content-length']
    this.#announced = length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : -1
  }

  readBody(
    limit: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => this.#refuse('timeout', 'given up')
      const over = (): void => signal?.removeEventListener('abort', giveUp)
      this.#reader = {
        limit,
        resolve: (body) => {
          over()
          resolve(body)
        },
        reject: (error) => {
          over()
          reject(error)
        },
      }
      if (this.#received > limit) this.#refuse('body-too-large', `over ${limit} bytes`)
      else if (this.remoteEnded) this.#hand()
      else if (this.closed) this.#refuse('closed', 'stream was cut')
      else if (signal?.aborted === true) giveUp()
      else {
        signal?.addEventListener('abort', giveUp)
        this.#host.credit(this)
      }
    })
  }

  respond(status: number, headers: Readonly<Record<string, string>> = {}): void {
    if (this.closed || this.responded) return
    this.responded = true
    const fields: HeaderField[] = [[':status', String(status)], ...Object.entries(headers)]
    this.#host.sendHeaders(this.id, fields, false)
  }

  write(...parts: readonly (Uint8Array | string)[]): boolean {
    if (this.closed || this.ending) return true
    const [first] = parts
    const isSent =
      parts.length === 1 &&
      first instanceof Uint8Array &&
      first.length > 0 &&
      this.queue.length === 0 &&
      this.#host.sendNow(this, first)
    for (const part of isSent ? [] : parts) {
      if (part.length > 0) this.queue.push(typeof part === 'string' ? Buffer.from(part) : part)
    }
    if (this.#host.pump(this)) return true
    this.needsDrain = true
    return false
  }

  end(bytes?: Uint8Array | string): void {
    if (this.closed || this.ending) return
    if (!this.responded) this.respond(200)
    if (bytes !== undefined && bytes.length > 0) {
      this.queue.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
    }
    this.ending = true
    if (this.#reader === undefined) {
      // Nobody will ask for it any more, and the client decides how long the answer takes.
      this.#deaf = true
      this.#body = EMPTY
    }
    this.#host.pump(this)
  }

  reset(code: Http2Code = Http2Code.Cancel): void {
    if (this.closed) return
    this.#host.sendReset(this.id, code)
    this.cut()
  }

  onDrain(resume: () => void): void {
    this.#onDrain = resume
  }

  onClose(closed: () => void): void {
    if (this.closed) queueMicrotask(closed)
    else this.#onClose.push(closed)
  }

  /** Bytes of the body came; their count was checked against the window. */
  receive(bytes: Uint8Array): void {
    if (this.#deaf) return
    const end = this.#received + bytes.length
    if (this.#reader !== undefined && end > this.#reader.limit) {
      this.#received = end
      this.#refuse('body-too-large', `over ${this.#reader.limit} bytes`)
      return
    }
    if (end > this.#body.length) {
      // Copied together as it comes: a body of single bytes must not cost a buffer for each.
      const larger = new Uint8Array(Math.max(FIRST_ROOM, end, 2 * this.#body.length))
      larger.set(this.#body.subarray(0, this.#received))
      this.#body = larger
    }
    this.#body.set(bytes, this.#received)
    this.#received = end
    if (this.#reader !== undefined) this.#host.credit(this)
  }

  /** The body is over; false if it is not as long as was announced. */
  receiveEnd(): boolean {
    this.remoteEnded = true
    if (!this.#deaf && this.#announced >= 0 && this.#announced !== this.#received) return false
    if (this.#reader !== undefined) this.#hand()
    return true
  }

  /** Everything that was written has gone. */
  drained(): void {
    if (!this.needsDrain || this.closed) return
    this.needsDrain = false
    this.#onDrain?.()
  }

  /** The end of the answer has gone. */
  answered(): void {
    if (!this.remoteEnded) this.#host.sendResetSoon(this.id)
    this.#finish()
  }

  /** The stream was reset by either side, or the connection is gone. */
  cut(): void {
    if (this.closed) return
    this.queue.length = 0
    this.#finish()
  }

  #finish(): void {
    if (this.closed) return
    this.closed = true
    this.#host.forget(this)
    if (!this.remoteEnded) this.#refuse('closed', 'stream was cut')
    this.#deaf = true
    this.#body = EMPTY
    this.#onDrain = undefined
    const listeners = this.#onClose
    this.#onClose = []
    for (const listener of listeners) listener()
  }

  #hand(): void {
    const reader = this.#reader
    this.#reader = undefined
    this.#deaf = true
    reader?.resolve(this.#body.slice(0, this.#received))
    this.#body = EMPTY
  }

  #refuse(code: 'body-too-large' | 'timeout' | 'closed', what: string): void {
    const reader = this.#reader
    this.#reader = undefined
    if (reader === undefined) return
    this.#deaf = true
    this.#body = EMPTY
    reader.reject(new Ts2021Error(code, `Cannot read body: ${what}`))
  }
}
