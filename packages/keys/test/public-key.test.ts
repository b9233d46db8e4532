// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  challengePublicBytes,
  challengePublicFromBytes,
  challengePublicOf,
  discoPublicBytes,
  discoPublicFromBytes,
  discoPublicOf,
  generateChallengeKey,
  generateDiscoKey,
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  isZeroChallengePublic,
  isZeroDiscoPublic,
  isZeroLockPublic,
  isZeroMachinePublic,
  isZeroNodePublic,
  lockPublicBytes,
  lockPublicFromBytes,
  lockPublicOf,
  machinePublicBytes,
  machinePublicFromBytes,
  machinePublicOf,
  nodePublicBinary,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  parseChallengePublic,
  parseDiscoPublic,
  parseLockPrivate,
  parseLockPublic,
  parseMachinePrivate,
  parseMachinePublic,
  parseNodePrivate,
  parseNodePublic,
  parseNodePublicBinary,
  privateKeyBytes,
  privateKeyText,
} from '../src/index.ts'

interface KeyType<K extends string> {
  name: string
  parse: (text: string) => K
  fromBytes: (raw: Uint8Array) => K
  bytes: (key: K) => Uint8Array
  isZero: (key: K) => boolean
  generate: () => K
}

function check<K extends string>({ name, ...type }: KeyType<K>): void {
  const raw = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test(`${name}: bytes, key and text give each other back`, () => {
    fc.assert(
      fc.property(raw, (raw) => {
        const key = type.fromBytes(raw)
        assert.deepEqual(type.bytes(key), raw)
        assert.equal(type.parse(key), key)
        assert.equal(JSON.stringify(key), `"${key}"`)
        assert.equal(
          type.isZero(key),
          raw.every((byte) => byte === 0),
        )
      }),
    )
  })

  test(`${name}: upper-case digits make the same key`, () => {
    const key = type.generate()
    const [prefix, digits = ''] = key.split(':')
    assert.equal(type.parse(`${prefix}:${digits.toUpperCase()}`), key)
    assert.throws(() => type.parse(key.toUpperCase()), { code: 'bad-key-text' })
  })

  test(`${name}: zero is zero, other lengths are refused`, () => {
    assert.ok(type.isZero(type.fromBytes(new Uint8Array(32))))
    assert.equal(type.isZero(type.generate()), false)
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => type.fromBytes(new Uint8Array(length)), { code: 'bad-key-bytes' })
    }
    assert.throws(() => type.parse(''), { code: 'bad-key-text' })
  })
}

check({
  name: 'MachinePublic',
  parse: parseMachinePublic,
  fromBytes: machinePublicFromBytes,
  bytes: machinePublicBytes,
  isZero: isZeroMachinePublic,
  generate: () => machinePublicOf(generateMachineKey()),
})
check({
  name: 'NodePublic',
  parse: parseNodePublic,
  fromBytes: nodePublicFromBytes,
  bytes: nodePublicBytes,
  isZero: isZeroNodePublic,
  generate: () => nodePublicOf(generateNodeKey()),
})
check({
  name: 'DiscoPublic',
  parse: parseDiscoPublic,
  fromBytes: discoPublicFromBytes,
  bytes: discoPublicBytes,
  isZero: isZeroDiscoPublic,
  generate: () => discoPublicOf(generateDiscoKey()),
})
check({
  name: 'ChallengePublic',
  parse: parseChallengePublic,
  fromBytes: challengePublicFromBytes,
  bytes: challengePublicBytes,
  isZero: isZeroChallengePublic,
  generate: () => challengePublicOf(generateChallengeKey()),
})
check({
  name: 'LockPublic',
  parse: parseLockPublic,
  fromBytes: lockPublicFromBytes,
  bytes: lockPublicBytes,
  isZero: isZeroLockPublic,
  generate: () => lockPublicOf(generateLockKey()),
})

test('nodePublicBinary() and parseNodePublicBinary() give each other back', () => {
  const key = nodePublicOf(generateNodeKey())
  const binary = nodePublicBinary(key)
  assert.equal(parseNodePublicBinary(binary), key)
  for (const index of [0, 1]) {
    assert.throws(() => parseNodePublicBinary(binary.with(index, 0x6f)), { code: 'bad-key-bytes' })
  }
  const long = new Uint8Array([...binary, 0])
  assert.throws(() => parseNodePublicBinary(long), /"np" and 32 bytes/)
})

test('privateKeyText() is what the parsers read', () => {
  const [machine, node, lock] = [generateMachineKey(), generateNodeKey(), generateLockKey()]
  const pairs = [
    [machine, parseMachinePrivate(privateKeyText(machine))],
    [node, parseNodePrivate(privateKeyText(node))],
    [lock, parseLockPrivate(privateKeyText(lock))],
  ] as const
  for (const [before, after] of pairs) {
    assert.deepEqual(privateKeyBytes(after), privateKeyBytes(before))
    assert.equal(after.kind, before.kind)
  }
})
