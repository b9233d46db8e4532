// SPDX-License-Identifier: Apache-2.0

/**
 * A control server in the process, at the level of requests: what a node dials in tests. It knows
 * one tailnet, answers registrations, pushes maps, and passes lock calls to a {@link LockServer}.
 *
 * @module
 */

import { zstdCompressSync } from 'node:zlib'
import { encodeUtf8 } from '@signet/codec'
import {
  encodeJson,
  encodeMapFrame,
  encodeMapResponse,
  encodeRegisterResponse,
  parseMapRequest,
  parseRegisterRequest,
  parseTka,
  tkaCalls,
  type MapRequest,
  type MapResponse,
  type RegisterRequest,
  type RegisterResponse,
  type TKACall,
} from '@signet/protocol'
import type { ControlCall, ControlReply, DialControl } from '../../src/control/link.ts'
import type { LockRpc } from '../../src/lock/lock-rpc.ts'

/** What a registration is answered with unless a test says otherwise. */
export const registered: RegisterResponse = {
  User: { ID: 1, DisplayName: 'Ann' },
  Login: { ID: 1, Provider: 'test', LoginName: 'ann', DisplayName: 'Ann' },
  NodeKeyExpired: false,
  MachineAuthorized: true,
  AuthURL: '',
  NodeKeySignature: null,
  Error: '',
}

/** An answer that is no success. */
export type Refusal = {
  readonly status: number
  readonly text?: string
  readonly retryAfter?: string
}

type ReadyAnswer = Partial<RegisterResponse> | Refusal | Error

/** An answer, or one that takes its time. */
export type RegisterAnswer = ReadyAnswer | Promise<ReadyAnswer>

export type FakeControl = {
  readonly dial: DialControl
  readonly registrations: RegisterRequest[]
  readonly streams: MapStreamHandle[]
  readonly liteUpdates: MapRequest[]
  /** Answers to the next registrations, in order; then {@link registered}. */
  readonly answers: RegisterAnswer[]
  /** What a stream begins with. */
  firstMessage: ((request: MapRequest) => MapResponse) | undefined
  /** Refuses map requests. */
  mapRefusal: Refusal | undefined
  liteRefusal: Refusal | undefined
  lock: LockRpc | undefined
  /** How often it was dialled; set `isDown` to let dialling fail. */
  dials: number
  isDown: boolean
  /** Settles when a condition holds; checked after every request and push. */
  until(condition: () => boolean): Promise<void>
}

export type MapStreamHandle = {
  readonly request: MapRequest
  push(message: MapResponse): void
  pushRaw(bytes: Uint8Array): void
  /** Ends the stream as a server that goes away. */
  end(): void
  readonly isOpen: boolean
}

export function createFakeControl(): FakeControl {
  const waiting: { condition: () => boolean; resolve: () => void }[] = []
  const check = (): void => {
    for (const one of waiting.slice()) {
      if (!one.condition()) continue
      waiting.splice(waiting.indexOf(one), 1)
      one.resolve()
    }
  }
  const control: FakeControl = {
    registrations: [],
    streams: [],
    liteUpdates: [],
    answers: [],
    firstMessage: undefined,
    mapRefusal: undefined,
    liteRefusal: undefined,
    lock: undefined,
    dials: 0,
    isDown: false,
    dial() {
      control.dials++
      if (control.isDown) return Promise.reject(new Error('connection refused'))
      return Promise.resolve({ request: answer, close: () => undefined })
    },
    until: (condition) =>
      new Promise((resolve) => {
        waiting.push({ condition, resolve })
        check()
        const poll = setInterval(() => {
          check()
          if (!waiting.some((one) => one.resolve === resolve)) clearInterval(poll)
        }, 2)
      }),
  }

  async function answer(call: ControlCall): Promise<ControlReply> {
    if (call.signal.aborted) throw new Error('aborted')
    const reply = await route(call)
    setImmediate(check)
    return reply
  }

  async function route(call: ControlCall): Promise<ControlReply> {
    if (call.path === '/machine/register') {
      control.registrations.push(parseRegisterRequest(call.body))
      const next = await (control.answers.shift() ?? registered)
      if (next instanceof Error) throw next
      return 'status' in next
        ? refusal(next)
        : text(encodeRegisterResponse({ ...registered, ...next }))
    }
    if (call.path === '/machine/map') return map(call)
    return lockCall(call)
  }

  function map(call: ControlCall): ControlReply {
    const request = parseMapRequest(call.body)
    if (request.Stream !== true) {
      if (control.liteRefusal) return refusal(control.liteRefusal)
      control.liteUpdates.push(request)
      return text('')
    }
    if (control.mapRefusal) return refusal(control.mapRefusal)
    const stream = createStream(request, call.signal)
    control.streams.push(stream.handle)
    if (control.firstMessage) stream.handle.push(control.firstMessage(request))
    return { status: 200, body: () => Promise.reject(new Error('endless')), chunks: stream.chunks }
  }

  async function lockCall(call: ControlCall): Promise<ControlReply> {
    const { lock } = control
    if (!lock) return refusal({ status: 404, text: 'no lock' })
    const parsed = <Q, A>(description: TKACall<Q, A>): Q => parseTka(description.request, call.body)
    const reply = <Q, A>(description: TKACall<Q, A>, value: A): ControlReply =>
      text(encodeJson(description.response, value))
    switch (call.path) {
      case tkaCalls.bootstrap.path: {
        const answered = await lock.bootstrap(parsed(tkaCalls.bootstrap).Head)
        return reply(tkaCalls.bootstrap, {
          ...(answered.genesis && { GenesisAUM: answered.genesis }),
          ...(answered.disablementSecret && { DisablementSecret: answered.disablementSecret }),
        })
      }
      case tkaCalls.syncOffer.path: {
        const { Head, Ancestors } = parsed(tkaCalls.syncOffer)
        const { offer, missing } = await lock.syncOffer({ head: Head, ancestors: Ancestors ?? [] })
        return reply(tkaCalls.syncOffer, {
          Head: offer.head,
          Ancestors: offer.ancestors,
          MissingAUMs: missing,
        })
      }
      case tkaCalls.syncSend.path: {
        const { Head, MissingAUMs, Interactive } = parsed(tkaCalls.syncSend)
        const updates = (MissingAUMs ?? []).map((bytes) => bytes ?? new Uint8Array())
        return reply(tkaCalls.syncSend, { Head: await lock.syncSend(Head, updates, Interactive) })
      }
      case tkaCalls.initBegin.path:
        return reply(tkaCalls.initBegin, {
          NeedSignatures: await lock.initBegin(
            parsed(tkaCalls.initBegin).GenesisAUM ?? new Uint8Array(),
          ),
        })
      case tkaCalls.initFinish.path: {
        const { Signatures, SupportDisablement } = parsed(tkaCalls.initFinish)
        const signatures = Object.entries(Signatures ?? {}).map(
          ([id, bytes]) => [Number(id), bytes ?? new Uint8Array()] as const,
        )
        await lock.initFinish(new Map(signatures), SupportDisablement ?? null)
        return reply(tkaCalls.initFinish, {})
      }
      case tkaCalls.disable.path: {
        const { Head, DisablementSecret } = parsed(tkaCalls.disable)
        await lock.disable(Head, DisablementSecret ?? new Uint8Array())
        return reply(tkaCalls.disable, {})
      }
      case tkaCalls.sign.path:
        await lock.sign(parsed(tkaCalls.sign).Signature ?? new Uint8Array())
        return reply(tkaCalls.sign, {})
      default: {
        const keyId = parsed(tkaCalls.affectedSigs).KeyID ?? new Uint8Array()
        return reply(tkaCalls.affectedSigs, { Signatures: await lock.affectedSignatures(keyId) })
      }
    }
  }
  return control
}

function text(body: string): ControlReply {
  const bytes = encodeUtf8(body)
  return {
    status: 200,
    body: () => Promise.resolve(bytes),
    async *chunks() {
      yield await Promise.resolve(bytes)
    },
  }
}

function refusal({ status, text: said = '', retryAfter }: Refusal): ControlReply {
  return { ...text(said), status, retryAfter }
}

function createStream(
  request: MapRequest,
  signal: AbortSignal,
): { readonly handle: MapStreamHandle; chunks(): AsyncIterable<Uint8Array> } {
  const queue: Uint8Array[] = []
  let isOver = false
  let wake = (): void => undefined
  signal.addEventListener('abort', () => {
    isOver = true
    wake()
  })
  const pushRaw = (bytes: Uint8Array): void => {
    queue.push(bytes)
    wake()
  }
  return {
    handle: {
      request,
      push(message) {
        const json = encodeUtf8(encodeMapResponse(message))
        pushRaw(encodeMapFrame(new Uint8Array(zstdCompressSync(json))))
      },
      pushRaw,
      end() {
        isOver = true
        wake()
      },
      get isOpen() {
        return !isOver
      },
    },
    async *chunks() {
      for (;;) {
        const next = queue.shift()
        if (next !== undefined) yield next
        else if (isOver) {
          if (signal.aborted) throw new Error('cut')
          return
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
  }
}
