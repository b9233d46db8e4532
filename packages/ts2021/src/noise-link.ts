// SPDX-License-Identifier: Apache-2.0

/**
 * The server's end of a control connection: records of a Noise session on a socket, with nothing between.
 *
 * A server holds thousands of these, most of them silent, and writes a small message to all at once. So there
 * is no stream here, with its buffers and its turns: what is sent is sealed and handed to the socket.
 *
 * @module
 */

import type { Duplex } from 'node:stream'
import {
  MAX_RECORD_PLAINTEXT,
  type NoiseSession,
  RecordReader,
  RecordWriter,
  sealedLength,
} from '@signet/noise'
import { Ts2021Error } from './errors.ts'
import { LINGER } from './limits.ts'
import { tune } from './noise-stream.ts'
import { isPlainTcp, SmallRoom } from './small-room.ts'

/** Who listens to a {@link NoiseLink}. */
export interface LinkListener {
  /** Plaintext came; it may be used again after the call. */
  receive(plaintext: Uint8Array): void
  /** The socket takes more again. */
  drained(): void
  /** It is over; called once, last. */
  closed(error: Error | undefined): void
}

/** What a {@link NoiseLink} is made of. */
export interface NoiseLinkOptions {
  /** The transport. The link owns it from now on and destroys it in the end. */
  readonly socket: Duplex
  /** Bytes that were read from the socket after the handshake. */
  readonly head?: Uint8Array | undefined
  readonly session: NoiseSession
  /** Bytes to be sent before anything else, such as an early payload. */
  readonly initial?: Uint8Array | undefined
}

/** Plaintext in both directions. */
export class NoiseLink {
  readonly #socket: Duplex
  readonly #reader: RecordReader
  readonly #writer: RecordWriter
  readonly #isPlainTcp: boolean
  #listener: LinkListener | undefined
  #error: Error | undefined
  #sending = false

  constructor({ socket, head, session, initial }: NoiseLinkOptions) {
    this.#socket = socket
    this.#reader = new RecordReader(session.receiveKey)
    this.#writer = new RecordWriter(session.sendKey)
    this.#isPlainTcp = isPlainTcp(socket)
    tune(socket)
    if (head !== undefined && head.length > 0) socket.unshift(head)
    if (initial !== undefined && initial.length > 0) this.send(initial)
  }

  /** Begins to read. */
  start(listener: LinkListener): void {
    const socket = this.#socket
    this.#listener = listener
    socket.on('error', (error) => this.destroy(error))
    socket.on('drain', () => listener.drained())
    // A client that half-closes is gone: there is nobody to answer who could be told from a cut.
    socket.on('end', () => this.destroy())
    socket.on('close', () => {
      this.#listener = undefined
      listener.closed(this.#error)
    })
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    if (socket.destroyed) listener.closed(undefined)
  }

  /** Whether what was sent waits for the other side to read. */
  get congested(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** Bytes that were sent and that the socket has not taken. */
  get backlog(): number {
    return this.#socket.writableLength
  }

  /** Seals and sends; the bytes may be used again afterwards. */
  send(plaintext: Uint8Array): void {
    if (!this.#socket.writable) return
    this.#sending = true
    try {
      if (
        this.#isPlainTcp &&
        plaintext.length <= MAX_RECORD_PLAINTEXT &&
        this.#socket.writableLength === 0
      ) {
        this.#sendSmall(plaintext)
        return
      }
      const length = sealedLength(plaintext.length)
      if (length < LARGE || length > SPARE_ROOM) {
        // Node has a pool for small ones.
        const records = Buffer.allocUnsafe(length)
        this.#writer.sealInto(plaintext, records)
        this.#socket.write(records)
        return
      }
      const room = spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_ROOM)
      const records = room.subarray(0, length)
      this.#writer.sealInto(plaintext, records)
      this.#socket.write(records, (error) => {
        const isFree = error === null || error === undefined
        if (isFree && spare.length < MAX_SPARE) spare.push(room)
      })
    } catch (error) {
      this.destroy(asError(error))
    } finally {
      this.#sending = false
    }
  }

  /** Most of what is sent: one record, which the kernel takes at once. */
  #sendSmall(plaintext: Uint8Array): void {
    small.fit(sealedLength(plaintext.length))
    this.#writer.sealOneInto(plaintext, small.record, small.ciphertext)
    this.#socket.write(small.record)
    if (this.#socket.writableLength > 0) small.leave()
  }

  /** Ends the connection after what was sent; at once if the other side does not read it. */
  close(error: Error): void {
    this.#error ??= error
    this.#socket.end()
    const deadline = setTimeout(() => this.#socket.destroy(), LINGER)
    deadline.unref()
    this.#socket.once('close', () => clearTimeout(deadline))
  }

  /** Ends the connection at once. */
  destroy(error?: Error): void {
    this.#error ??= error
    this.#socket.destroy()
  }

  #onData(chunk: Uint8Array): void {
    if (this.#sending) {
      // A transport inside the process may answer a write before it returns.
      this.#socket.pause()
      this.#socket.unshift(chunk)
      process.nextTick(() => this.#socket.resume())
      return
    }
    try {
      this.#reader.push(chunk, (plaintext) => this.#listener?.receive(plaintext))
    } catch (error) {
      this.destroy(asError(error))
    }
  }
}

/** Where small messages are sealed, of all connections. */
const small = new SmallRoom()

/** Where bodies are sealed: used again, since the collector looks through the whole heap for every few of them. */
const spare: Buffer[] = []
const LARGE = 16 * 1024
const SPARE_ROOM = 128 * 1024
const MAX_SPARE = 16

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Ts2021Error('closed', String(error))
}
