// SPDX-License-Identifier: Apache-2.0

/**
 * A socket as a Duplex of plaintext: Noise records outside, bytes inside.
 *
 * Everything that waits is bounded: reading stops while nobody takes the plaintext, and the next
 * batch of writes waits until the socket has taken the one before.
 *
 * @module
 */

import { Duplex } from 'node:stream'
import { concatBytes } from '@signet/codec'
import { type NoiseSession, parseEarlyPayload, RecordReader, RecordWriter } from '@signet/noise'
import { Ts2021Error } from './errors.ts'
import { KEEP_ALIVE_DELAY, MAX_EARLY_BYTES } from './limits.ts'

/** What a {@link NoiseStream} is made of. */
export interface NoiseStreamOptions {
  /** The transport. The stream owns it from now on and destroys it in the end. */
  readonly socket: Duplex
  /** Bytes that were read from the socket after the handshake. */
  readonly head?: Uint8Array | undefined
  readonly session: NoiseSession
  /** Client only: what comes first may be an early payload, which is taken out of the stream. */
  readonly expectEarlyPayload?: boolean | undefined
  /** Server only: bytes to be sent before anything else, such as an early payload. */
  readonly initial?: Uint8Array | undefined
}

/** Returns a Duplex that carries plaintext over the records of a Noise session. */
export function noiseStream(options: NoiseStreamOptions): Duplex {
  return new NoiseStream(options)
}

type Callback = (error?: Error | null) => void

class NoiseStream extends Duplex {
  readonly #socket: Duplex
  readonly #reader: RecordReader
  readonly #writer: RecordWriter
  /** Plaintext held back until it is known whether it starts with an early payload. */
  #early: Uint8Array | undefined
  #ended = false
  #writing = false

  constructor({ socket, head, session, expectEarlyPayload, initial }: NoiseStreamOptions) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#reader = new RecordReader(session.receiveKey)
    this.#writer = new RecordWriter(session.sendKey)
    this.#early = expectEarlyPayload === true ? new Uint8Array() : undefined
    tune(socket)
    if (head !== undefined && head.length > 0) socket.unshift(head)
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.#onClose())
    socket.on('end', () => this.#onEnd())
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    if (initial !== undefined && initial.length > 0) this.write(initial)
  }

  #onData(chunk: Uint8Array): void {
    if (this.#writing) {
      this.#postpone(chunk)
      return
    }
    let wanted = true
    try {
      this.#reader.push(chunk, (plaintext) => {
        wanted = this.#deliver(plaintext) && wanted
      })
    } catch (error) {
      this.destroy(asError(error))
      return
    }
    if (!wanted) this.#socket.pause()
  }

  /**
   * A transport inside the process may answer a write before it returns. HTTP/2 in Node aborts when
   * it is given data while it is writing, so such an answer has to wait.
   */
  #postpone(chunk: Uint8Array): void {
    this.#socket.pause()
    this.#socket.unshift(chunk)
    process.nextTick(() => this.#socket.resume())
  }

  #deliver(plaintext: Uint8Array): boolean {
    if (this.#early === undefined) return this.push(plaintext)
    const held = concatBytes(this.#early, plaintext)
    const result = parseEarlyPayload(held)
    if (result === undefined) {
      if (held.length > MAX_EARLY_BYTES) {
        throw new Ts2021Error(
          'handshake',
          `Cannot read early payload of over ${MAX_EARLY_BYTES} bytes`,
        )
      }
      this.#early = held
      return true
    }
    this.#early = undefined
    return result.rest.length === 0 || this.push(result.rest)
  }

  #onEnd(): void {
    this.#ended = true
    try {
      this.#reader.end()
      this.push(null)
    } catch (error) {
      this.destroy(asError(error))
    }
  }

  #onClose(): void {
    // After an orderly end the plaintext that nobody has read yet must not be lost.
    if (!this.#ended) this.destroy()
    else if (!this.writableFinished) this.#abandonWrites()
  }

  #abandonWrites(): void {
    if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    this.#send(chunk, done)
  }

  /** A batch becomes one run of records and one write to the socket. */
  override _writev(batch: { chunk: Uint8Array }[], done: Callback): void {
    this.#send(Buffer.concat(batch.map(({ chunk }) => chunk)), done)
  }

  #send(plaintext: Uint8Array, done: Callback): void {
    let records: Uint8Array
    try {
      records = this.#writer.seal(plaintext)
    } catch (error) {
      done(asError(error))
      return
    }
    this.#writing = true
    this.#socket.write(records, done)
    this.#writing = false
  }

  override _final(done: Callback): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#socket.destroy()
    done(error)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Ts2021Error('closed', String(error))
}

/** Records are whole messages, so waiting for more to send only costs time. */
export function tune(socket: Duplex): void {
  if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
  if ('setKeepAlive' in socket && typeof socket.setKeepAlive === 'function') {
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY)
  }
}
