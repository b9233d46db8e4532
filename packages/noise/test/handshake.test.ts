// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, encodeUtf8 } from '@signet/codec'
import {
  generateMachineKey,
  machinePublicFromBytes,
  machinePublicOf,
  zeroMachinePublic,
} from '@signet/keys'
import * as fc from 'fast-check'
import {
  createInitiator,
  INITIATION_LENGTH,
  type Initiator,
  NoiseError,
  RecordReader,
  RecordWriter,
  respond,
  RESPONSE_LENGTH,
} from '../src/index.ts'

const serverKey = generateMachineKey()
const machineKey = generateMachineKey()

function start(version = 145): Initiator {
  return createInitiator({ version, machineKey, serverKey: machinePublicOf(serverKey) })
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof NoiseError, String(error))
    return error.code
  }
  return 'none'
}

describe('createInitiator() and respond()', () => {
  test('agree on keys, hash and version, and tell the server who the client is', () => {
    const initiator = start(113)
    assert.equal(initiator.initiation.length, INITIATION_LENGTH)
    const server = respond({ serverKey, initiation: initiator.initiation })
    assert.equal(server.response.length, RESPONSE_LENGTH)
    assert.equal(server.clientKey, machinePublicOf(machineKey))
    assert.equal(server.version, 113)
    const client = initiator.readResponse(server.response)
    assert.deepEqual(client?.session.sendKey, server.session.receiveKey)
    assert.deepEqual(client?.session.receiveKey, server.session.sendKey)
    assert.deepEqual(client?.session.handshakeHash, server.session.handshakeHash)
    assert.notDeepEqual(server.session.sendKey, server.session.receiveKey)
  })

  test('never make the same message twice', () => {
    assert.notDeepEqual(start().initiation, start().initiation)
    const { initiation } = start()
    const [one, two] = [respond({ serverKey, initiation }), respond({ serverKey, initiation })]
    assert.notDeepEqual(one.response, two.response)
    assert.notDeepEqual(one.session.sendKey, two.session.sendKey)
  })

  test('refuse a server key of low order before anything is sent', () => {
    for (const bad of [
      zeroMachinePublic,
      machinePublicFromBytes(Uint8Array.of(1, ...Array<number>(31).fill(0))),
    ]) {
      assert.equal(
        codeOf(() => createInitiator({ version: 1, machineKey, serverKey: bad })),
        'low-order-point',
      )
    }
  })

  test('do not leave the client with a session after any changed bit of its message', () => {
    const { initiation } = start()
    for (let bit = 0; bit < INITIATION_LENGTH * 8; bit += 5) {
      const changed = initiation.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.notEqual(
        codeOf(() => respond({ serverKey, initiation: changed })),
        'none',
        `bit ${bit}`,
      )
    }
  })

  test('do not give the client a session after any changed bit of the answer', () => {
    for (let bit = 0; bit < RESPONSE_LENGTH * 8; bit += 5) {
      const initiator = start()
      const { response } = respond({ serverKey, initiation: initiator.initiation })
      response[bit >> 3] = (response[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const outcome = codeOf(() => assert.equal(initiator.readResponse(response), undefined))
      // A changed type can ask for more bytes (an error message), which then never come.
      assert.ok(outcome !== 'none' || response[0] === 3, `bit ${bit}`)
    }
  })
})

describe('respond() refuses, and answers only what is wrong in shape', () => {
  const { initiation } = start()
  const set = (at: number, value: number): Uint8Array => {
    const out = initiation.slice()
    out[at] = value
    return out
  }
  const other = createInitiator({
    version: 145,
    machineKey,
    serverKey: machinePublicOf(generateMachineKey()),
  })
  const rows: [string, Uint8Array, string, boolean][] = [
    ['nothing', new Uint8Array(), 'wrong-size', true],
    ['one byte less', initiation.slice(0, -1), 'wrong-size', true],
    ['one byte more', concatBytes(initiation, Uint8Array.of(0)), 'wrong-size', true],
    ['another type', set(2, 2), 'wrong-type', true],
    ['a wrong length', set(4, 95), 'wrong-length', true],
    [
      'another version than was sealed',
      set(1, initiation[1] === 145 ? 144 : 145),
      'decrypt',
      false,
    ],
    ['a changed ephemeral key', set(5, (initiation[5] ?? 0) ^ 2), 'decrypt', false],
    ['a changed machine key', set(40, (initiation[40] ?? 0) ^ 1), 'decrypt', false],
    ['a changed tag', set(100, (initiation[100] ?? 0) ^ 1), 'decrypt', false],
    ['a message for another server', other.initiation, 'decrypt', false],
    [
      'an all-zero ephemeral key',
      concatBytes(initiation.subarray(0, 5), new Uint8Array(32), initiation.subarray(37)),
      'low-order-point',
      false,
    ],
  ]
  for (const [name, bytes, code, replies] of rows) {
    test(name, () => {
      assert.throws(
        () => respond({ serverKey, initiation: bytes }),
        (error: unknown) => {
          assert.ok(error instanceof NoiseError)
          assert.equal(error.code, code)
          assert.equal(error.reply !== undefined, replies)
          return true
        },
      )
    })
  }
})

describe('readResponse()', () => {
  const answer = (initiator: Initiator): Uint8Array =>
    respond({ serverKey, initiation: initiator.initiation }).response

  test('waits for a whole message, however it is cut', () => {
    const initiator = start()
    const response = answer(initiator)
    for (let cut = 0; cut < RESPONSE_LENGTH; cut++) {
      assert.equal(initiator.readResponse(response.subarray(0, cut)), undefined)
    }
    assert.ok(initiator.readResponse(response))
  })

  test('gives back what follows the message', () => {
    const initiator = start()
    const result = initiator.readResponse(concatBytes(answer(initiator), Uint8Array.of(4, 0, 16)))
    assert.deepEqual(result?.rest, Uint8Array.of(4, 0, 16))
  })

  test('reports what the server says, in print only', () => {
    const text = encodeUtf8('no "\u001b[31mway\u001b"\n')
    const message = concatBytes(Uint8Array.of(3, 0, text.length), text)
    assert.throws(() => start().readResponse(message), {
      code: 'refused',
      message: 'Server refused the handshake: "no "?[31mway?"?"',
    })
    const long = concatBytes(Uint8Array.of(3, 0xff, 0xff), new Uint8Array(0xffff).fill(0x61))
    assert.throws(
      () => start().readResponse(long),
      (error: Error) => error.message.length < 300,
    )
  })

  test('refuses other types, lengths and answers', () => {
    const initiator = start()
    const response = answer(start())
    const rows: [Uint8Array, string][] = [
      [Uint8Array.of(4, 0, 48), 'wrong-type'],
      [Uint8Array.of(1, 0, 48), 'wrong-type'],
      [Uint8Array.of(2, 0, 47), 'wrong-length'],
      [Uint8Array.of(2, 255, 48), 'wrong-length'],
      [response, 'decrypt'],
    ]
    for (const [bytes, code] of rows)
      assert.equal(
        codeOf(() => initiator.readResponse(bytes)),
        code,
      )
    // After one attempt the state is used up: no second guess.
    assert.equal(
      codeOf(() => initiator.readResponse(answer(initiator))),
      'closed',
    )
  })
})

test('whatever comes instead of a message, only NoiseError is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      codeOf(() => respond({ serverKey, initiation: bytes }))
      codeOf(() => start().readResponse(bytes))
    }),
    { numRuns: 150 },
  )
})

test('records of a session open on the other side only, in order only', () => {
  const initiator = start()
  const server = respond({ serverKey, initiation: initiator.initiation })
  const client = initiator.readResponse(server.response)?.session
  assert.ok(client)
  const writer = new RecordWriter(client.sendKey)
  const first = writer.seal(encodeUtf8('first'))
  const second = writer.seal(encodeUtf8('second'))
  const read = (...records: Uint8Array[]): string => {
    const reader = new RecordReader(server.session.receiveKey)
    let text = ''
    for (const record of records) {
      reader.push(record, (plaintext) => {
        text += String.fromCharCode(...plaintext)
      })
    }
    return text
  }
  assert.equal(read(first, second), 'firstsecond')
  assert.equal(
    codeOf(() => read(second)),
    'decrypt',
  )
  assert.equal(
    codeOf(() => read(first, first)),
    'decrypt',
  )
  assert.equal(
    codeOf(() => new RecordReader(client.receiveKey).push(first, () => {})),
    'decrypt',
  )
})
