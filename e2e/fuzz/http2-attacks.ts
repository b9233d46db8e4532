// SPDX-License-Identifier: Apache-2.0

/**
 * HTTP/2 as no client speaks it, as plaintext of a control connection.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import type { Random } from './random.ts'

const PREFACE = encodeUtf8('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const Type = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  Reset: 3,
  Settings: 4,
  Push: 5,
  Ping: 6,
  GoAway: 7,
  Window: 8,
  Continuation: 9,
} as const
const END_STREAM = 1
const END_HEADERS = 4

/** Every kind of attack, by its name: what is said after the handshake. */
export const attacks: Readonly<Record<string, (random: Random) => Uint8Array>> = {
  'no preface': (random) => random.bytes(100),
  'half a preface': () => PREFACE.subarray(0, 10),
  'garbage frames': (random) => started(random.bytes(random.below(2_000))),
  'a random frame': (random) =>
    started(
      frame(random.below(256), random.below(256), random.below(5), random.bytes(random.below(64))),
    ),
  'an oversized frame': () => started(Uint8Array.of(0xff, 0xff, 0xff, Type.Data, 0, 0, 0, 0, 1)),
  'bad settings': (random) =>
    started(frame(Type.Settings, random.below(2), random.below(2), random.bytes(random.below(20)))),
  'a window beyond all limits': () =>
    started(frame(Type.Settings, 0, 0, Uint8Array.of(0, 4, 0xff, 0xff, 0xff, 0xff))),
  'many settings': () => started(...repeat(500, () => frame(Type.Settings, 0, 0))),
  'many pings': () => started(...repeat(500, () => frame(Type.Ping, 0, 0, new Uint8Array(8)))),
  'rapid resets': () =>
    started(
      ...repeat(300, (n) =>
        concatBytes(
          request(2 * n + 1, { flags: END_HEADERS }),
          frame(Type.Reset, 0, 2 * n + 1, Uint8Array.of(0, 0, 0, 8)),
        ),
      ),
    ),
  'resets of nothing': () =>
    started(...repeat(300, (n) => frame(Type.Reset, 0, n + 1, new Uint8Array(4)))),
  'headers without end': () =>
    started(
      request(1, { flags: 0 }),
      ...repeat(1_000, () => frame(Type.Continuation, 0, 1, literal('x', 'y'.repeat(100)))),
    ),
  'a frame inside headers': () => started(request(1, { flags: 0 }), frame(Type.Ping, 0, 0)),
  'many header fields': () =>
    started(request(1, { fields: repeat(300, (n): [string, string] => [`x-${n}`, 'y']) })),
  'a long header field': () =>
    started(
      ...repeat(20, (n) =>
        request(2 * n + 1, {
          fields: [
            ['x', 'y'.repeat(126)],
            ['z', '1'],
          ],
        }),
      ),
    ),
  'indices that are not there': (random) =>
    started(frame(Type.Headers, 5, 1, Uint8Array.of(0xff, 0xff, 0xff, 0x7f, random.below(256)))),
  'a table of any size': () =>
    started(frame(Type.Headers, 5, 1, Uint8Array.of(0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f))),
  'bad padding': () => started(frame(Type.Headers, 0x0d, 1, Uint8Array.of(255, 1, 2))),
  'a window update of zero': () =>
    started(request(1, {}), frame(Type.Window, 0, 1, new Uint8Array(4))),
  'a window that overflows': () =>
    started(...repeat(3, () => frame(Type.Window, 0, 0, Uint8Array.of(0x7f, 0xff, 0xff, 0xff)))),
  'data on a stream that is not there': () => started(frame(Type.Data, 0, 7, new Uint8Array(10))),
  'data on stream zero': () => started(frame(Type.Data, 0, 0, new Uint8Array(10))),
  'an even stream': () => started(request(2, {})),
  'streams backwards': () => started(request(9, {}), request(3, {}), request(1, {})),
  'a push': () => started(frame(Type.Push, END_HEADERS, 1, new Uint8Array(4))),
  'a stream that depends on itself': () =>
    started(frame(Type.Priority, 0, 1, Uint8Array.of(0, 0, 0, 1, 0))),
  'requests after going away': () =>
    started(frame(Type.GoAway, 0, 0, new Uint8Array(8)), request(1, {})),
  'too many streams': () =>
    started(...repeat(600, (n) => request(2 * n + 1, { flags: END_HEADERS }))),
  'more data than announced': () =>
    started(
      request(1, { flags: END_HEADERS, fields: [['content-length', '1']] }),
      frame(Type.Data, END_STREAM, 1, new Uint8Array(1_000)),
    ),
  'more data than the window': () =>
    started(
      request(1, { flags: END_HEADERS }),
      ...repeat(80, () => frame(Type.Data, 0, 1, new Uint8Array(16_000))),
    ),
  'header names in capitals': () => started(request(1, { fields: [['X-Big', '1']] })),
  'pseudo fields twice': () => started(request(1, { fields: [[':path', '/machine/map']] })),
  'no method': () => started(frame(Type.Headers, 5, 1, literal(':path', '/'))),
  'a strange path': (random) =>
    started(
      request(1, {
        path: random.pick([
          '',
          '*',
          '//',
          '/machine/',
          '/machine/map?x=%',
          '/\u007f',
          'http://x/',
          '/c2n/..',
        ]),
      }),
    ),
  'a strange method': (random) =>
    started(
      request(1, {
        method: random.pick(['', 'GET ', 'CONNECT', 'PRI', 'X'.repeat(100), 'delete']),
      }),
    ),
}

function started(...frames: readonly Uint8Array[]): Uint8Array {
  return concatBytes(PREFACE, frame(Type.Settings, 0, 0), ...frames)
}

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const head = new Uint8Array(9)
  const view = new DataView(head.buffer)
  view.setUint32(0, (payload.length << 8) | type)
  head[4] = flags
  view.setUint32(5, stream)
  return concatBytes(head, payload)
}

interface RequestParts {
  readonly method?: string
  readonly path?: string
  readonly flags?: number
  readonly fields?: readonly (readonly [string, string])[]
}

function request(stream: number, parts: RequestParts): Uint8Array {
  const { method = 'POST', path = '/machine/map', flags = END_STREAM | END_HEADERS } = parts
  const fields: (readonly [string, string])[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'x'],
    [':path', path],
    ...(parts.fields ?? []),
  ]
  const block = concatBytes(...fields.map(([name, value]) => literal(name, value)))
  return frame(Type.Headers, flags, stream, block)
}

/** A field that is not put into the table; both texts must be shorter than 127. */
function literal(name: string, value: string): Uint8Array {
  const [nameBytes, valueBytes] = [encodeUtf8(name), encodeUtf8(value)]
  return concatBytes(
    Uint8Array.of(0, nameBytes.length),
    nameBytes,
    Uint8Array.of(valueBytes.length),
    valueBytes,
  )
}

function repeat<T>(times: number, make: (index: number) => T): T[] {
  return Array.from({ length: times }, (_, index) => make(index))
}
