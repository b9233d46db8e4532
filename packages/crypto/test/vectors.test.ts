// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  argon2i,
  boxOpen,
  boxSeal,
  boxSharedKey,
  verifyStandard,
  verifyZip215,
  x25519PublicKey,
} from '../src/index.ts'
import { ascii, bytes, hex } from './bytes.ts'

function casesOf<T>(file: string): T[] {
  const url = new URL(`../../../vectors/${file}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: T[] }).cases
}

interface SignatureCase {
  name: string
  public: string
  message: string
  signature: string
  zip215: boolean | 'panic'
  std: boolean | 'panic'
}

test('vectors/tka/ed25519: both rule sets answer as recorded', () => {
  const wrong: string[] = []
  for (const vector of casesOf<SignatureCase>('tka/ed25519')) {
    const args = [bytes(vector.public), bytes(vector.message), bytes(vector.signature)] as const
    if (verifyZip215(...args) !== (vector.zip215 === true)) wrong.push(`${vector.name}: zip215`)
    if (verifyStandard(...args) !== (vector.std === true)) wrong.push(`${vector.name}: std`)
  }
  assert.deepEqual(wrong, [])
})

interface BoxCase {
  name: string
  kind: 'seal' | 'open'
  sender_private?: string
  sender_public: string
  receiver_private?: string
  receiver_public?: string
  shared_key?: string
  nonce?: string
  plaintext?: string
  box_with_nonce: string
  box_without_nonce?: string
  ok?: boolean
}

/** Opens what a receiver gets: the nonce, then the box. */
function openPacket(sharedKey: Uint8Array, packet: Uint8Array): string | null {
  if (packet.length < 24) return null
  const message = boxOpen(sharedKey, packet.slice(0, 24), packet.slice(24))
  return message && hex(message)
}

for (const vector of casesOf<BoxCase>('wire/nacl-box')) {
  const { name, kind, sender_private, sender_public, receiver_private, receiver_public } = vector
  test(`vectors/wire/nacl-box: ${name}`, () => {
    if (kind === 'seal') {
      assert.ok(sender_private !== undefined && receiver_public !== undefined)
      assert.equal(hex(x25519PublicKey(bytes(sender_private))), sender_public)
      const key = boxSharedKey(bytes(sender_private), bytes(receiver_public))
      assert.equal(hex(key), vector.shared_key)
      const box = boxSeal(key, bytes(vector.nonce ?? ''), bytes(vector.plaintext ?? ''))
      assert.equal(hex(box), vector.box_without_nonce)
    }
    // A seal to a low-order point has nobody who could open it.
    if (receiver_private === undefined) return
    const key = boxSharedKey(bytes(receiver_private), bytes(sender_public))
    const expected = kind === 'seal' || vector.ok === true ? vector.plaintext : null
    assert.equal(openPacket(key, bytes(vector.box_with_nonce)), expected)
  })
}

interface DisablementCase {
  name: string
  op: string
  secret: string
  value?: string
}

test('vectors/tka/disablement: argon2i() gives the recorded values', async () => {
  const salt = ascii('tailscale network-lock disablement salt')
  for (const { name, op, secret, value } of casesOf<DisablementCase>('tka/disablement')) {
    if (op !== 'kdf') continue
    const password = bytes(secret)
    const cost = { passes: 4, memoryKiB: 16384, parallelism: 4, length: 32 }
    assert.equal(hex(await argon2i({ password, salt, ...cost })), value, name)
  }
})
