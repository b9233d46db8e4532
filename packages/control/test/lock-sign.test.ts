// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import { generateNodeKey, lockPublicOf, nodePublicOf } from '@signet/keys'
import { createCredential, encodeNodeKeySignature, resignNodeKey, signNodeKey } from '@signet/tka'
import { signatureState } from '../src/lock/signatures.ts'
import { buildUpdates, lockTailnet, sendUpdates } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer, TkaReply } from './support/server.ts'

function sign(by: Machine, target: Machine): Uint8Array {
  return signNodeKey({
    nodeKey: nodePublicOf(target.nodeKey),
    rotationPublic: lockPublicOf(target.lockKey),
    signer: by.signer,
  })
}

function submit(by: Machine, signature: Uint8Array): Promise<TkaReply> {
  return by.tka('sign', { Signature: toBase64(signature) })
}

describe('sign', () => {
  it('stores a signature that is good under the current head', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const b = server.join('b')
    assert.equal((await submit(a, sign(a, b))).status, 200)
    assert.equal(signatureState(server.tailnet.lock, b.row()), 'valid')
    assert.equal(signatureState(server.restart().tailnet.lock, b.row()), 'valid')
  })

  it('asks for a trusted key and not for a role: signing nodes may be tagged', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const tagged = server.join('t', 'owner', { tags: ['tag:signer'] })
    const member = server.join('m', 'member')
    await lockTailnet(server, [a, tagged])
    const b = server.join('b')
    assert.equal((await submit(member, sign(member, b))).status, 400)
    assert.equal((await submit(tagged, sign(tagged, b))).status, 200)
    tagged.register({ Expiry: new Date(123_000).toISOString() })
    assert.equal((await submit(tagged, sign(tagged, b))).status, 403)
  })

  it('refuses everything else, and keeps the good signature that is there', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const before = b.row().signature
    const good = sign(a, b)
    const forged = new Uint8Array(good)
    forged[110]! ^= 1
    const zeros = new Uint8Array(good)
    zeros.fill(0, zeros.length - 32)
    const unknown = signNodeKey({ nodeKey: nodePublicOf(generateNodeKey()), signer: a.signer })
    const clone = resignNodeKey({
      nodeKey: nodePublicOf(b.nodeKey),
      old: a.row().signature!,
      signer: a.signer,
    })
    const cases: Record<string, [signature: Uint8Array, status: number]> = {
      nothing: [new Uint8Array(), 400],
      garbage: [new Uint8Array([1, 2]), 400],
      'too long': [new Uint8Array(9_000), 400],
      'a byte too many': [new Uint8Array([...good, 0]), 400],
      'another spelling': [
        new Uint8Array([...good.subarray(0, 2), 0x18, ...good.subarray(2)]),
        400,
      ],
      forged: [forged, 400],
      'an unsafe rotation key': [zeros, 400],
      'a key that is not trusted': [sign(b, b), 400],
      'a node that nobody knows': [unknown, 404],
      'a bare credential': [
        encodeNodeKeySignature(createCredential(a.signer, new Uint8Array(32).fill(3)).signature),
        400,
      ],
      "a rotation out of another node's key": [clone, 409],
    }
    for (const [name, [signature, status]] of Object.entries(cases)) {
      const reply = await submit(a, signature)
      assert.equal(reply.status, status, `${name}: ${reply.text}`)
      assert.equal(b.row().signature, before, name)
    }
  })

  it('tells how to sign again when the rotation key was left out', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const b = server.join('b')
    const zeros = new Uint8Array(sign(a, b))
    zeros.fill(0, zeros.length - 32)
    assert.match(
      (await submit(a, zeros)).text,
      new RegExp(`tailscale lock sign ${b.row().nodeKey} tlpub:[0-9a-f]{64}$`),
    )
  })

  it('needs the lock to be on', async () => {
    using server = openTestServer()
    const a = server.join('a')
    assert.equal((await submit(a, sign(a, a))).status, 404)
  })
})

describe('affected-sigs', () => {
  const affected = (by: Machine, key: Uint8Array): Promise<TkaReply> =>
    by.tka('affected-sigs', { KeyID: toBase64(key) })

  it('lists signatures by the key behind them, also behind rotations, and only good ones', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a, b])
    const c = server.join('c')
    await submit(b, sign(b, c))
    const OldNodeKey = nodePublicOf(c.nodeKey)
    const old = c.row().signature!
    c.nodeKey = generateNodeKey()
    const NodeKeySignature = resignNodeKey({
      nodeKey: nodePublicOf(c.nodeKey),
      old,
      signer: c.signer,
    })
    c.register({ OldNodeKey, NodeKeySignature, Auth: { AuthKey: server.authKey() } })
    assert.deepEqual(c.row().signature, NodeKeySignature)
    const byB = await affected(a, b.signer.keyId)
    assert.deepEqual(
      byB.json.Signatures.map((text: string) => Buffer.from(fromBase64(text))),
      [Buffer.from(NodeKeySignature)],
    )
    assert.equal((await affected(a, a.signer.keyId)).json.Signatures.length, 2)
    assert.deepEqual((await affected(a, new Uint8Array(32))).json.Signatures, [])
    assert.equal((await affected(a, new Uint8Array(31))).status, 400)
  })

  it('removes a key with its nodes re-signed first: none is locked out', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a, b])
    await remove(server, b, a)
    assert.equal(signatureState(server.tailnet.lock, a.row()), 'valid')
    assert.equal(signatureState(server.tailnet.lock, b.row()), 'valid')
  })

  it('leaves them locked out when they are not', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a, b])
    const removal = buildUpdates(server, [b], (builder) => builder.removeKey(a.signer.keyId))
    assert.equal((await sendUpdates(b, removal)).status, 200)
    assert.equal(signatureState(server.tailnet.lock, a.row()), 'invalid')
  })

  async function remove(server: TestServer, by: Machine, of: Machine): Promise<void> {
    const { json } = await affected(by, of.signer.keyId)
    assert.equal(json.Signatures.length, 2)
    for (const machine of [by, of]) assert.equal((await submit(by, sign(by, machine))).status, 200)
    const removal = buildUpdates(server, [by], (builder) => builder.removeKey(of.signer.keyId))
    assert.equal((await sendUpdates(by, removal)).status, 200)
  }
})
