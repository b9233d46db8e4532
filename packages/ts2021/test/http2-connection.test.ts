// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeUtf8 } from '@signet/codec'
import * as fc from 'fast-check'
import { FrameReader } from '../src/http2/frame-reader.ts'
import { FIRST_WINDOW, Flag, FrameType, PREFACE, readUint32 } from '../src/http2/frames.ts'
import { MAX_HEADER_BYTES, MAX_NUISANCE, MAX_UNREAD_BYTES } from '../src/limits.ts'
import {
  data,
  frame,
  harness,
  type Harness,
  HELLO,
  REQUEST,
  request,
  settings,
} from './http2-frames.ts'

const bytes = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)
const END = Flag.EndHeaders | Flag.EndStream

async function goAwayCode(h: Harness): Promise<number | undefined> {
  const last = (await h.sent()).findLast(({ type }) => type === FrameType.GoAway)
  return last === undefined ? undefined : readUint32(last.payload, 4)
}

describe('Http2Connection', () => {
  test('says its settings first, acknowledges the client, answers a request', async () => {
    const h = harness((stream) => {
      stream.respond(200, { 'content-type': 'text/plain' })
      stream.end('hi')
    })
    h.connection.receive(bytes(HELLO, request(1, REQUEST, END)))
    const frames = await h.sent()
    assert.deepEqual(
      frames.map(({ type, flags, stream }) => [type, flags, stream]),
      [
        [FrameType.Settings, 0, 0],
        [FrameType.Settings, Flag.Ack, 0],
        [FrameType.Headers, Flag.EndHeaders, 1],
        [FrameType.Data, Flag.EndStream, 1],
      ],
    )
    assert.equal(decodeUtf8(frames[3]?.payload ?? new Uint8Array()), 'hi')
    assert.equal(h.streams[0]?.closed, true)
  })

  test('takes the same bytes in any pieces', async () => {
    const whole = bytes(
      HELLO,
      request(1, REQUEST, 0),
      frame(FrameType.Continuation, 1, [], Flag.EndHeaders),
      data(1, 'one'),
      frame(FrameType.Ping, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
      data(1, 'two', Flag.EndStream),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 12 }), async (cuts) => {
        const bodies: Promise<Uint8Array>[] = []
        const h = harness((stream) => bodies.push(stream.readBody(100)))
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length]
        for (const [i, place] of places.entries()) {
          h.connection.receive(whole.subarray(places[i - 1] ?? 0, place))
        }
        assert.equal(decodeUtf8((await bodies[0]) ?? new Uint8Array()), 'onetwo')
        assert.equal((await h.sent()).filter(({ type }) => type === FrameType.Ping).length, 1)
      }),
    )
  })

  test('sends no more than the windows allow, and the rest when they open', async () => {
    const h = harness((stream) => {
      stream.respond(200)
      stream.end(new Uint8Array(100_000))
    })
    h.connection.receive(bytes(HELLO, settings([4, 10]), request(1, REQUEST, END)))
    const sizes = async (): Promise<number> =>
      (await h.sent())
        .filter(({ type }) => type === FrameType.Data)
        .reduce((sum, { payload }) => sum + payload.length, 0)
    assert.equal(await sizes(), 10)
    h.connection.receive(frame(FrameType.WindowUpdate, 1, [0, 0, 0, 5]))
    assert.equal(await sizes(), 5)
    h.connection.receive(settings([4, 200_000]))
    assert.equal(await sizes(), FIRST_WINDOW - 15)
    assert.equal(h.streams[0]?.closed, false)
    h.connection.receive(frame(FrameType.WindowUpdate, 0, [0, 1, 0, 0]))
    assert.equal(await sizes(), 100_000 - FIRST_WINDOW)
    assert.equal(h.streams[0]?.closed, true)
  })

  test('a full transport stops bodies, and each stream is told when all of its own was taken', async () => {
    const h = harness()
    h.connection.receive(bytes(HELLO, request(1, REQUEST, END), request(3, REQUEST, END)))
    const [first, second] = h.streams
    const drained: number[] = []
    first?.onDrain(() => drained.push(1))
    second?.onDrain(() => drained.push(3))
    h.congested = true
    assert.equal(first?.write('a'), false)
    assert.equal(second?.write('b'), false)
    assert.equal((await h.sent()).filter(({ type }) => type === FrameType.Data).length, 0)
    h.congested = false
    h.connection.drained()
    assert.deepEqual(drained, [1, 3])
    assert.equal((await h.sent()).filter(({ type }) => type === FrameType.Data).length, 2)
    assert.equal(first.write('c'), true)
  })

  test('a large answer does not hold up a small one', async () => {
    const h = harness()
    h.connection.receive(bytes(HELLO, frame(FrameType.WindowUpdate, 0, [0, 64, 0, 0])))
    h.connection.receive(settings([4, 1 << 22]))
    h.connection.receive(bytes(request(1, REQUEST, END), request(3, REQUEST, END)))
    h.congested = true
    h.streams[0]?.end(new Uint8Array(1 << 20))
    h.streams[1]?.end('small')
    h.congested = false
    h.connection.drained()
    const order = (await h.sent()).filter(({ type }) => type === FrameType.Data)
    const at = order.findIndex(({ stream }) => stream === 3)
    assert.ok(at > 0 && at < 8, String(at))
  })

  test('a body costs the client its window until somebody reads it', async () => {
    const h = harness()
    const kib = new Uint8Array(16_000)
    h.connection.receive(bytes(HELLO, request(1), data(1, kib), data(1, kib), data(1, kib)))
    const updates = async (): Promise<number[]> =>
      (await h.sent())
        .filter(({ type }) => type === FrameType.WindowUpdate)
        .map(({ stream }) => stream)
    // The connection is not held up by one stream.
    assert.deepEqual(await updates(), [0])
    const body = h.streams[0]?.readBody(1 << 20)
    assert.deepEqual(await updates(), [1])
    h.connection.receive(data(1, kib, Flag.EndStream))
    assert.equal((await body)?.length, 64_000)
  })

  test('a body at the limit is whole, and one byte more is refused and no longer kept', async () => {
    for (const over of [0, 1]) {
      const h = harness()
      h.connection.receive(bytes(HELLO, request(1)))
      const body = h.streams[0]?.readBody(10)
      h.connection.receive(data(1, 'x'.repeat(10 + over), Flag.EndStream))
      if (over === 0) assert.equal((await body)?.length, 10)
      else await assert.rejects(body ?? Promise.resolve(), { code: 'body-too-large' })
    }
  })

  test('a body that is reset, or of another length than announced, is cut', async () => {
    const announced = [...REQUEST, ['content-length', '5']] as const
    for (const last of [
      bytes(data(1, 'four', Flag.EndStream)),
      bytes(data(1, 'sixsix', Flag.EndStream)),
      frame(FrameType.RstStream, 1, [0, 0, 0, 8]),
      frame(FrameType.RstStream, 1, [0, 0, 0, 0]),
    ]) {
      const h = harness()
      h.connection.receive(bytes(HELLO, request(1, announced)))
      const body = h.streams[0]?.readBody(100)
      h.connection.receive(last)
      await assert.rejects(body ?? Promise.resolve(), { code: 'closed' })
      assert.equal(h.streams[0]?.closed, true)
      assert.equal(h.closed, false)
    }
  })

  test('more streams than allowed are refused one by one', async () => {
    const h = harness(undefined, 2)
    h.connection.receive(bytes(HELLO, request(1), request(3), request(5)))
    assert.equal(h.streams.length, 2)
    const resets = (await h.sent()).filter(({ type }) => type === FrameType.RstStream)
    assert.deepEqual(
      resets.map(({ stream, payload }) => [stream, readUint32(payload, 0)]),
      [[5, 7]],
    )
  })

  const malformed: Record<string, readonly (readonly [string, string])[]> = {
    'no path': REQUEST.filter(([name]) => name !== ':path'),
    'an empty path': REQUEST.map(([name, value]) => [name, name === ':path' ? '' : value]),
    'two methods': [[':method', 'GET'], ...REQUEST],
    'an unknown pseudo field': [...REQUEST, [':protocol', 'websocket']],
    'a pseudo field after others': [['a', 'b'], ...REQUEST],
    'upper case': [...REQUEST, ['Accept', 'x']],
    'a field of HTTP/1': [...REQUEST, ['transfer-encoding', 'chunked']],
    'a line break': [...REQUEST, ['a', 'b\r\nc: d']],
  }
  for (const [name, fields] of Object.entries(malformed)) {
    test(`resets a request with ${name}, and serves the next`, async () => {
      const h = harness()
      h.connection.receive(bytes(HELLO, request(1, fields), request(3)))
      assert.deepEqual(
        (await h.sent()).filter(({ type }) => type === FrameType.RstStream).map((f) => f.stream),
        [1],
      )
      assert.equal(h.streams.length, 1)
      assert.equal(h.closed, false)
    })
  }

  const open = bytes(HELLO, request(1))
  const ended = bytes(HELLO, request(1, REQUEST, END))
  const wrong: Record<string, [Uint8Array, number]> = {
    'another preface': [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 1],
    'a first frame that is not SETTINGS': [bytes(PREFACE, request(1)), 1],
    'a frame larger than allowed': [
      bytes(HELLO, frame(FrameType.Data, 1, new Uint8Array(16_385))),
      6,
    ],
    'SETTINGS for a stream': [bytes(HELLO, frame(FrameType.Settings, 1)), 1],
    'SETTINGS of seven bytes': [bytes(HELLO, frame(FrameType.Settings, 0, new Uint8Array(7))), 6],
    'an acknowledgement with settings': [
      bytes(HELLO, frame(FrameType.Settings, 0, new Uint8Array(6), 1)),
      6,
    ],
    'a window too large': [bytes(HELLO, settings([4, 0x8000_0000])), 3],
    'a frame size too small': [bytes(HELLO, settings([5, 16_383])), 1],
    'PING of seven bytes': [bytes(HELLO, frame(FrameType.Ping, 0, new Uint8Array(7))), 6],
    'PING for a stream': [bytes(HELLO, frame(FrameType.Ping, 1, new Uint8Array(8))), 1],
    'a push': [bytes(HELLO, frame(FrameType.PushPromise, 1)), 1],
    'DATA for no stream': [bytes(HELLO, data(0, 'x')), 1],
    'DATA for a stream that was not opened': [bytes(HELLO, data(1, 'x')), 1],
    'DATA after the end': [bytes(ended, data(1, 'x')), 5],
    'DATA with more padding than data': [
      bytes(open, frame(FrameType.Data, 1, [2, 0], Flag.Padded)),
      1,
    ],
    'DATA padded with nothing': [bytes(open, frame(FrameType.Data, 1, [], Flag.Padded)), 1],
    'more than the window of a stream': [
      bytes(open, ...Array.from({ length: 5 }, () => data(1, new Uint8Array(16_000)))),
      3,
    ],
    'a stream of even number': [bytes(HELLO, request(2)), 1],
    'a second header': [bytes(open, request(1)), 1],
    'trailers after the end': [bytes(ended, request(1, [], END)), 1],
    'a frame within a header block': [
      bytes(HELLO, request(1, REQUEST, 0), frame(FrameType.Ping, 0, new Uint8Array(8))),
      1,
    ],
    'CONTINUATION of another stream': [
      bytes(HELLO, request(1, REQUEST, 0), frame(FrameType.Continuation, 3)),
      1,
    ],
    'CONTINUATION of nothing': [bytes(HELLO, frame(FrameType.Continuation, 1)), 1],
    'a header block that cannot be decoded': [
      bytes(HELLO, frame(FrameType.Headers, 1, [0x80], Flag.EndHeaders)),
      9,
    ],
    'RST_STREAM of a stream that was not opened': [
      bytes(HELLO, frame(FrameType.RstStream, 1, [0, 0, 0, 8])),
      1,
    ],
    'RST_STREAM of three bytes': [bytes(open, frame(FrameType.RstStream, 1, [0, 0, 8])), 6],
    'WINDOW_UPDATE by nothing': [bytes(HELLO, frame(FrameType.WindowUpdate, 0, [0, 0, 0, 0])), 1],
    'WINDOW_UPDATE of three bytes': [bytes(HELLO, frame(FrameType.WindowUpdate, 0, [0, 0, 1])), 6],
    'a window beyond the most': [
      bytes(HELLO, frame(FrameType.WindowUpdate, 0, [127, 255, 255, 255])),
      3,
    ],
    'a window of a stream beyond the most': [
      bytes(open, frame(FrameType.WindowUpdate, 1, [127, 255, 255, 255])),
      3,
    ],
  }
  for (const [name, [input, code]] of Object.entries(wrong)) {
    test(`ends the connection at ${name}`, async () => {
      const h = harness()
      h.connection.receive(input)
      assert.equal(await goAwayCode(h), code)
      assert.equal(h.closed, true)
      assert.ok(h.streams.every((stream) => stream.closed))
      assert.equal(h.errors.length, 1)
      h.connection.receive(input)
      assert.deepEqual(await h.sent(), [])
    })
  }

  test('a header block may be as large as the limit, in one frame or many, and no larger', async () => {
    const filler = (size: number): Uint8Array =>
      bytes(
        HELLO,
        frame(FrameType.Headers, 1, new Uint8Array(10_000).fill(0x82)),
        frame(FrameType.Continuation, 1, new Uint8Array(size - 10_000).fill(0x82)),
      )
    const at = harness()
    at.connection.receive(filler(MAX_HEADER_BYTES))
    assert.equal(at.closed, false)
    const past = harness()
    past.connection.receive(filler(MAX_HEADER_BYTES + 1))
    assert.equal(await goAwayCode(past), 0xb)
  })

  const floods: Record<string, (i: number) => Uint8Array> = {
    'resets of new requests': (i) =>
      bytes(request(2 * i + 3, REQUEST, END), frame(FrameType.RstStream, 2 * i + 3, [0, 0, 0, 8])),
    pings: () => frame(FrameType.Ping, 0, new Uint8Array(8)),
    settings: () => settings(),
    acknowledgements: () => frame(FrameType.Settings, 0, [], Flag.Ack),
    priorities: () => frame(FrameType.Priority, 1, new Uint8Array(5)),
    'frames of no known type': () => frame(0x77, 0),
    'empty DATA': () => data(1, ''),
    'empty DATA for a stream that is over': () => data(1, ''),
    'requests beyond the limit': (i) => request(2 * i + 3),
    'malformed requests': (i) => request(2 * i + 3, []),
  }
  for (const [name, make] of Object.entries(floods)) {
    test(`ends a flood of ${name}, and forgives what comes slowly`, async () => {
      const h = harness(undefined, name === 'requests beyond the limit' ? 1 : 8)
      h.connection.receive(open)
      if (name.endsWith('over')) h.streams[0]?.reset()
      // The settings of the greeting were one.
      for (let i = 0; i < MAX_NUISANCE - 1; i++) h.connection.receive(make(i))
      assert.equal(h.closed, false)
      h.now += 100
      for (let i = 0; i < 3; i++) h.connection.receive(make(MAX_NUISANCE + i))
      assert.equal(h.closed, false)
      for (let i = 0; i < 3; i++) h.connection.receive(make(MAX_NUISANCE + 3 + i))
      assert.equal(await goAwayCode(h), 0xb)
    })
  }

  test('a flood of CONTINUATION is ended', async () => {
    const h = harness()
    h.connection.receive(bytes(HELLO, request(1, REQUEST, 0)))
    for (let i = 0; i <= MAX_NUISANCE; i++) h.connection.receive(frame(FrameType.Continuation, 1))
    assert.equal(await goAwayCode(h), 0xb)
  })

  test('a client that makes the server talk and does not listen is ended', async () => {
    const h = harness()
    h.connection.receive(HELLO)
    h.congested = true
    h.backlog = MAX_UNREAD_BYTES
    h.connection.receive(frame(FrameType.Ping, 0, new Uint8Array(8)))
    assert.equal(h.closed, false)
    h.backlog++
    h.connection.receive(frame(FrameType.Ping, 0, new Uint8Array(8)))
    assert.equal(h.closed, true)
  })

  test('a stream that is over takes anything and does nothing', async () => {
    const h = harness()
    h.connection.receive(open)
    const [stream] = h.streams
    let closed = 0
    stream?.onClose(() => closed++)
    h.connection.closed()
    assert.equal(closed, 1)
    stream?.respond(200)
    assert.equal(stream?.write('x'), true)
    stream?.end('x')
    stream?.reset()
    await assert.rejects(stream?.readBody(10) ?? Promise.resolve(), { code: 'closed' })
    await new Promise<void>((resolve) => stream?.onClose(resolve))
    assert.equal(h.closed, false)
  })

  test('any frames in any order never throw, and never make it keep more than it may', async () => {
    const part = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(1, 3, 5).map((id) => request(id, REQUEST, END)) },
      { weight: 3, arbitrary: fc.constantFrom(1, 3, 5).map((id) => request(id)) },
      fc
        .tuple(
          fc.nat(11),
          fc.constantFrom(0, 1, 2, 3, 5, 7),
          fc.uint8Array({ maxLength: 40 }),
          fc.nat(255),
        )
        .map(([type, id, payload, flags]) => frame(type, id, payload, flags)),
      fc
        .tuple(fc.constantFrom(1, 3, 5), fc.uint8Array({ maxLength: 40 }))
        .map(([id, b]) => data(id, b)),
      fc.tuple(fc.constantFrom(0, 1, 3), fc.nat(255)).map(([id, n]) => frame(8, id, [0, 0, 0, n])),
      fc.nat(300).map((n) => settings([4, n])),
      fc.uint8Array({ maxLength: 30 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 30 }), fc.boolean(), async (parts, answers) => {
        const bodies: Promise<unknown>[] = []
        const h = harness((stream) => {
          bodies.push(stream.readBody(64).catch(() => {}))
          if (answers) stream.end('x'.repeat(500))
        })
        h.connection.receive(HELLO)
        for (const bytesOfPart of parts) h.connection.receive(bytesOfPart)
        h.connection.closed()
        await Promise.all(bodies)
        // Whatever happened, what was sent is HTTP/2.
        const check = new FrameReader()
        check.push(PREFACE, () => {})
        assert.ok((await h.sent()).length > 0)
        assert.ok(h.streams.every((stream) => stream.closed))
      }),
      { numRuns: 1_000 },
    )
  })
})
