// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  generateLockKey,
  generateNodeKey,
  lockKeyId,
  lockPublicOf,
  nodePublicOf,
  type NodePublic,
} from '@signet/keys'
import type { TKASignInfo } from '@signet/protocol'
import { authorizeNodeKey, decodeNodeKeySignature, indexTrustedKeys } from '@signet/tka'
import { NodeError } from '../src/errors.ts'
import { initLock, type InitOptions, type InitRequest } from '../src/lock/init.ts'
import { createLockKeeper } from '../src/lock/keeper.ts'
import { openStateFile } from '../src/state-file.ts'
import { secretValue, testSigner } from './support/lock-fixture.ts'
import { createMemoryFiles } from './support/memory-files.ts'

const admin = testSigner()
const ownNode = nodePublicOf(generateNodeKey())
const knownNode = nodePublicOf(generateNodeKey())
const rogueNode = nodePublicOf(generateNodeKey())

function wanted(NodeID: number, NodePublic: NodePublic, rotation: Uint8Array | null): TKASignInfo {
  return { NodeID, NodePublic, RotationPubkey: rotation }
}

type Finished = ReadonlyMap<number, Uint8Array>

/** Starts a lock with a server that lists these nodes; returns what was signed. */
async function start(
  listed: readonly TKASignInfo[],
  change: Partial<InitRequest> = {},
): Promise<Finished | undefined> {
  const files = createMemoryFiles()
  const stateFile = openStateFile(files, '/state')
  const keeper = createLockKeeper({ stateFile, files, directory: '/state/lock', now: () => 0 })
  let finished: Finished | undefined
  const unexpected = (): never => assert.fail('an unexpected call')
  const options: InitOptions = {
    keeper,
    rpc: {
      bootstrap: unexpected,
      syncOffer: unexpected,
      syncSend: unexpected,
      disable: unexpected,
      sign: unexpected,
      affectedSignatures: unexpected,
      initBegin: () => Promise.resolve(listed),
      initFinish(signatures) {
        finished = signatures
        return Promise.resolve()
      },
    },
    lockKey: () => admin.priv,
    ownNodeKey: () => ownNode,
    knownNodeKeys: () => new Set([knownNode]),
    randomBytes: (length) => new Uint8Array(length).fill(1),
  }
  const request: InitRequest = {
    keys: [admin.key],
    disablementValues: [await secretValue()],
    supportDisablement: null,
    signUnknownNodes: false,
    ...change,
  }
  try {
    await initLock(request, options)
  } catch (error) {
    assert.equal(finished, undefined)
    throw error
  }
  return finished
}

function wrappingKeyOf(signed: Finished | undefined, id: number): Uint8Array | null {
  return decodeNodeKeySignature(signed?.get(id) ?? new Uint8Array()).wrappingPubkey
}

test('Q62: a node key that is not in the own map is signed only when the owner says so', async () => {
  const listed = [wanted(1, ownNode, null), wanted(2, knownNode, null), wanted(9, rogueNode, null)]
  await assert.rejects(start(listed), (error) => {
    assert.ok(error instanceof NodeError)
    assert.equal(error.code, 'lock-unknown-node-keys')
    assert.match(error.message, new RegExp(rogueNode))
    return true
  })
  const signed = await start(listed, { signUnknownNodes: true })
  assert.deepEqual([...(signed?.keys() ?? [])], [1, 2, 9])
})

test('initLock() signs every listed node, and its own with its own rotation key', async () => {
  const theirs = lockKeyId(lockPublicOf(generateLockKey()))
  const claimed = lockKeyId(lockPublicOf(generateLockKey()))
  // The server does not get to choose who may rotate this node's key.
  const signed = await start([wanted(1, ownNode, claimed), wanted(2, knownNode, theirs)])
  const keys = indexTrustedKeys([admin.key])
  authorizeNodeKey(keys, ownNode, signed?.get(1) ?? new Uint8Array())
  authorizeNodeKey(keys, knownNode, signed?.get(2) ?? new Uint8Array())
  assert.deepEqual(wrappingKeyOf(signed, 1), admin.key.public)
  assert.deepEqual(wrappingKeyOf(signed, 2), theirs)
})

test('initLock() names no rotation key under which anybody could sign', async () => {
  for (const unsafe of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
    const signed = await start([wanted(2, knownNode, unsafe)])
    assert.equal(wrappingKeyOf(signed, 2), null)
  }
})
