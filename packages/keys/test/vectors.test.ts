// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromHex, toHex } from '@signet/codec'
import {
  challengePublicBytes,
  challengePublicFromBytes,
  derpMeshKeyText,
  discoPrivateFromBytes,
  discoPublicBytes,
  discoPublicFromBytes,
  discoPublicOf,
  lockKeyId,
  lockPrivateFromBytes,
  lockPrivateFromSeed,
  lockPublicBytes,
  lockPublicCliText,
  lockPublicOf,
  machinePrivateFromBytes,
  machinePublicBytes,
  machinePublicOf,
  nodePrivateFromBytes,
  nodePublicBinary,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  parseChallengePublic,
  parseDerpMeshKey,
  parseDiscoPublic,
  parseHardwareAttestationPublic,
  parseLockPrivate,
  parseLockPublic,
  parseMachinePrivate,
  parseMachinePublic,
  parseNodePrivate,
  parseNodePublic,
  parseNodePublicBinary,
  parseUntypedNodePublic,
  privateKeyBytes,
  privateKeyText,
  shortDiscoKey,
  shortMachineKey,
  shortNodeKey,
  sortedDiscoPair,
  wireguardPeerText,
  zeroChallengePublic,
  zeroDiscoPublic,
  zeroLockPublic,
  zeroMachinePublic,
  zeroNodePublic,
} from '../src/index.ts'

/** Members of any kind; each kind has some of them. */
type Member =
  | 'a'
  | 'b'
  | 'bytes'
  | 'challenge_public_text'
  | 'disco_public_text'
  | 'disco_short'
  | 'ed25519_seed'
  | 'first'
  | 'kind'
  | 'machine_private_text'
  | 'machine_public_text'
  | 'machine_short'
  | 'name'
  | 'nl_cli_text'
  | 'nl_key_id'
  | 'nl_private_text'
  | 'nl_public_text'
  | 'nl_verifier'
  | 'node_private_text'
  | 'node_public_binary'
  | 'node_public_text'
  | 'node_short'
  | 'node_untyped_hex'
  | 'node_wireguard_go_string'
  | 'private'
  | 'raw'
  | 'remarshalled'
  | 'second'
  | 'text'
  | 'text_out'
  | 'type'
  | 'verdict'
  | 'x25519_public'

type Vector = Record<Member, string>

const url = new URL('../../../vectors/wire/key-text.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: Vector[] }

const BAD_TEXT = { name: 'KeyError', code: 'bad-key-text' } as const
const BAD_BYTES = { name: 'KeyError', code: 'bad-key-bytes' } as const

/** Parses a text and returns the raw bytes, in hex, and the text written again. */
type Parser = (text: string) => readonly [raw: string, text: string]

const PARSERS: Record<string, Parser> = {
  'machine-public': (text) => {
    const key = parseMachinePublic(text)
    return [toHex(machinePublicBytes(key)), key]
  },
  'machine-private': (text) => {
    const key = parseMachinePrivate(text)
    return [toHex(privateKeyBytes(key)), privateKeyText(key)]
  },
  'node-public': (text) => {
    const key = parseNodePublic(text)
    return [toHex(nodePublicBytes(key)), key]
  },
  'node-private': (text) => {
    const key = parseNodePrivate(text)
    return [toHex(privateKeyBytes(key)), privateKeyText(key)]
  },
  'disco-public': (text) => {
    const key = parseDiscoPublic(text)
    return [toHex(discoPublicBytes(key)), key]
  },
  'nl-public': (text) => {
    const key = parseLockPublic(text)
    return [toHex(lockPublicBytes(key)), key]
  },
  'nl-private': (text) => {
    const key = parseLockPrivate(text)
    return [toHex(privateKeyBytes(key)), privateKeyText(key)]
  },
  'challenge-public': (text) => {
    const key = parseChallengePublic(text)
    return [toHex(challengePublicBytes(key)), key]
  },
  'hardware-attestation-public': (text) => {
    const key = parseHardwareAttestationPublic(text)
    return [key === '' ? '00'.repeat(65) : key.slice('hwattestpub:'.length), key]
  },
}

const CHECKS: Record<string, (vector: Vector) => void> = {
  'key-pair': (vector) => {
    const raw = fromHex(vector.private)
    const machine = machinePrivateFromBytes(raw)
    const node = nodePrivateFromBytes(raw)
    const disco = discoPublicOf(discoPrivateFromBytes(raw))
    const lock = lockPrivateFromSeed(fromHex(vector.ed25519_seed))
    const publicKey = nodePublicOf(node)
    const lockPublic = lockPublicOf(lock)
    assert.equal(privateKeyText(machine), vector.machine_private_text)
    assert.equal(machinePublicOf(machine), vector.machine_public_text)
    assert.equal(shortMachineKey(machinePublicOf(machine)), vector.machine_short)
    assert.equal(privateKeyText(node), vector.node_private_text)
    assert.equal(publicKey, vector.node_public_text)
    assert.equal(shortNodeKey(publicKey), vector.node_short)
    assert.equal(toHex(nodePublicBytes(publicKey)), vector.node_untyped_hex)
    assert.equal(toHex(nodePublicBinary(publicKey)), vector.node_public_binary)
    assert.equal(wireguardPeerText(publicKey), vector.node_wireguard_go_string)
    assert.equal(disco, vector.disco_public_text)
    assert.equal(shortDiscoKey(disco), vector.disco_short)
    const challenge = challengePublicFromBytes(fromHex(vector.x25519_public))
    assert.equal(challenge, vector.challenge_public_text)
    assert.equal(privateKeyText(lock), vector.nl_private_text)
    assert.equal(lockPublic, vector.nl_public_text)
    assert.equal(lockPublicCliText(lockPublic), vector.nl_cli_text)
    assert.equal(toHex(lockKeyId(lockPublic)), vector.nl_key_id)
    assert.equal(toHex(lockPublicBytes(lockPublic)), vector.nl_verifier)
  },
  zero: (vector) => {
    const zero = new Uint8Array(32)
    assert.equal(zeroMachinePublic, vector.machine_public_text)
    assert.equal(shortMachineKey(zeroMachinePublic), vector.machine_short)
    assert.equal(privateKeyText(machinePrivateFromBytes(zero)), vector.machine_private_text)
    assert.equal(zeroNodePublic, vector.node_public_text)
    assert.equal(shortNodeKey(zeroNodePublic), vector.node_short)
    assert.equal(toHex(nodePublicBinary(zeroNodePublic)), vector.node_public_binary)
    assert.equal(privateKeyText(nodePrivateFromBytes(zero)), vector.node_private_text)
    assert.equal(zeroDiscoPublic, vector.disco_public_text)
    assert.equal(shortDiscoKey(zeroDiscoPublic), vector.disco_short)
    assert.equal(zeroChallengePublic, vector.challenge_public_text)
    assert.equal(zeroLockPublic, vector.nl_public_text)
    const lock = lockPrivateFromBytes(new Uint8Array(64))
    assert.equal(privateKeyText(lock), vector.nl_private_text)
  },
  parse: ({ type, text, verdict, raw, remarshalled }) => {
    const parser = PARSERS[type]
    assert.ok(parser, `no parser for ${type}`)
    if (verdict === 'accept') assert.deepEqual(parser(text), [raw, remarshalled])
    else assert.throws(() => parser(text), BAD_TEXT)
  },
  'parse-untyped-node-public': ({ text, verdict, raw }) => {
    if (verdict === 'accept') {
      assert.equal(parseUntypedNodePublic(text), nodePublicFromBytes(fromHex(raw)))
    } else assert.throws(() => parseUntypedNodePublic(text), BAD_TEXT)
  },
  'parse-binary-node-public': ({ bytes, verdict, raw }) => {
    const binary = fromHex(bytes)
    if (verdict === 'accept') {
      assert.equal(parseNodePublicBinary(binary), nodePublicFromBytes(fromHex(raw)))
    } else assert.throws(() => parseNodePublicBinary(binary), BAD_BYTES)
  },
  'parse-derp-mesh-key': ({ text, verdict, text_out }) => {
    if (verdict === 'accept') assert.equal(derpMeshKeyText(parseDerpMeshKey(text)), text_out)
    else assert.throws(() => parseDerpMeshKey(text), BAD_TEXT)
  },
  'sorted-disco-pair': ({ a, b, first, second }) => {
    const keys = [parseDiscoPublic(a), parseDiscoPublic(b)] as const
    assert.deepEqual(sortedDiscoPair(...keys), [first, second])
    assert.deepEqual(sortedDiscoPair(keys[1], keys[0]), [first, second])
    assert.equal(discoPublicFromBytes(discoPublicBytes(keys[0])), a)
  },
}

for (const vector of cases) {
  test(`vectors/wire/key-text: ${vector.name}`, () => {
    const check = CHECKS[vector.kind]
    assert.ok(check, `no check for ${vector.kind}`)
    check(vector)
  })
}
