// SPDX-License-Identifier: Apache-2.0

/**
 * Clients of a relay in memory: a network that takes everything, or nothing.
 *
 * @module
 */

import { generateNodeKey, nodePublicOf } from '@signet/keys'
import type { DerpMeshKey, NodePrivate, NodePublic } from '@signet/keys'
import { encodeClientInfo, GreetingReader, ServerMessageReader } from '../src/index.ts'
import type { Relay, RelayConnection, RelayTransport, ServerMessage } from '../src/index.ts'

const ADDRESS = new Uint8Array(16).fill(1)

/** A client and its connection. */
export class RelayClient {
  readonly privateKey: NodePrivate
  readonly key: NodePublic
  readonly connection: RelayConnection
  /** Everything that was written, in the pieces of the writes. */
  readonly written: Uint8Array[] = []
  isClosed = false
  /** The network does not take anything until it is false again. */
  isStalled = false
  readonly #pending: Uint8Array[] = []
  readonly #greeting = new GreetingReader()
  #reader: ServerMessageReader | undefined
  #messages: ServerMessage[] = []

  constructor(relay: Relay, privateKey: NodePrivate = generateNodeKey()) {
    this.privateKey = privateKey
    this.key = nodePublicOf(privateKey)
    const pending = this.#pending
    const transport: RelayTransport = {
      get backlog() {
        return pending.reduce((sum, part) => sum + part.length, 0)
      },
      write: (parts) => {
        this.written.push(...parts)
        pending.push(...parts)
        if (!this.isStalled) this.#takeAll()
      },
      close: () => {
        this.isClosed = true
        this.connection.closed()
      },
    }
    this.connection = relay.accept(transport, { address: ADDRESS, port: 1 })
  }

  /** Bytes that the network did not take, and the buffers that they keep alive. */
  get held(): { bytes: number; buffers: number } {
    const buffers = new Set(this.#pending.map((part) => part.buffer))
    return {
      bytes: this.#pending.reduce((sum, part) => sum + part.length, 0),
      buffers: [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0),
    }
  }

  /** Introduces itself. */
  join(serverKey: NodePublic, meshKey: DerpMeshKey | null = null): this {
    const info = { version: 2, canAckPings: true, isProber: false, appName: '', meshKey }
    const nonce = new Uint8Array(24)
    this.send(encodeClientInfo({ clientKey: this.privateKey, serverKey, nonce, info }))
    return this
  }

  send(...frames: readonly Uint8Array[]): void {
    const length = frames.reduce((sum, frame) => sum + frame.length, 0)
    // As sockets do: a Buffer, whose `slice` is a view.
    const chunk = Buffer.alloc(length)
    let at = 0
    for (const frame of frames) {
      chunk.set(frame, at)
      at += frame.length
    }
    this.connection.receive(chunk)
  }

  /** The network goes on. */
  resume(): void {
    this.isStalled = false
    while (this.#pending.length > 0) {
      this.#takeAll()
      this.connection.drain()
    }
  }

  /** Takes what arrived since the last call. */
  received(): ServerMessage[] {
    const messages = this.#messages
    this.#messages = []
    return messages
  }

  #takeAll(): void {
    for (const part of this.#pending.splice(0)) this.#read(part)
  }

  #read(part: Uint8Array): void {
    // For comparisons, no Buffer any more.
    const bytes = new Uint8Array(part)
    let rest: Uint8Array = bytes
    if (this.#reader === undefined) {
      const greeting = this.#greeting.push(bytes)
      if (greeting === undefined) return
      this.#reader = new ServerMessageReader(this.privateKey, greeting.serverKey)
      rest = greeting.rest
    }
    this.#reader.push(rest, (message) => this.#messages.push(message))
  }
}
