// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ControlNode } from '@signet/protocol'
import { aumHashText, createUpdateBuilder } from '@signet/tka'
import { createGate, type Gate, type GateInput, type GateResult } from '../src/lock/gate.ts'
import { createGateRunner, type GateRunner } from '../src/lock/gate-runner.ts'
import { createLockKeeper, type LockKeeper } from '../src/lock/keeper.ts'
import { openRotationMemory } from '../src/lock/rotation-memory.ts'
import { createVerdictCache } from '../src/lock/verdicts.ts'
import { openStateFile } from '../src/state-file.ts'
import {
  rotatedNode,
  signedNode,
  testGenesis,
  testNode,
  testSigner,
} from './support/lock-fixture.ts'
import { createMemoryFiles, type MemoryFiles } from './support/memory-files.ts'

const admin = testSigner()
const second = testSigner()
const genesis = testGenesis([admin, second])

type Rig = {
  readonly keeper: LockKeeper
  readonly runner: GateRunner
  readonly results: GateResult[]
  readonly failures: unknown[]
  readonly files: MemoryFiles
}

function rig(wrap: (gate: Gate) => Gate = (gate) => gate): Rig {
  const files = createMemoryFiles()
  const stateFile = openStateFile(files, '/state')
  const keeper = createLockKeeper({ stateFile, files, directory: '/state/lock', now: () => 0 })
  const results: GateResult[] = []
  const failures: unknown[] = []
  const runner = createGateRunner({
    gate: wrap(createGate(createVerdictCache())),
    keeper,
    onResult: (result) => results.push(result),
    onFailure: (error) => failures.push(error),
  })
  return { keeper, runner, results, failures, files }
}

const map = (...peers: ControlNode[]): Omit<GateInput, 'lock'> => ({
  self: null,
  peers,
  acceptRoutes: false,
})

test('createGateRunner() judges each map, and again when the lock changes', async () => {
  const { keeper, runner, results } = rig()
  const [signed, unsigned] = [signedNode(second), testNode()]
  runner.update(map(signed, unsigned))
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 2)
  assert.equal(runner.judgedHead(), '')
  keeper.begin(genesis)
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 1)
  assert.equal(runner.judgedHead(), aumHashText(keeper.require().authority.head))
  const builder = createUpdateBuilder(keeper.require().authority, [admin.signer])
  builder.removeKey(second.signer.keyId)
  keeper.inform(builder.finish())
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 0)
})

test('createGateRunner() throws away a judgement by an authority that is no longer the newest', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let judged = 0
  const { keeper, runner, results } = rig((gate) => ({
    async judge(input) {
      if (judged++ === 0) await promise
      return gate.judge(input)
    },
  }))
  keeper.begin(genesis)
  runner.update(map(signedNode(second)))
  const builder = createUpdateBuilder(keeper.require().authority, [admin.signer])
  builder.removeKey(second.signer.keyId)
  keeper.inform(builder.finish())
  resolve()
  await runner.idle()
  assert.deepEqual(
    results.map(({ admitted }) => admitted.length),
    [0],
  )
})

test('createGateRunner() reports no head before the gate has judged by it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { keeper, runner } = rig((gate) => ({
    async judge(input) {
      await promise
      return gate.judge(input)
    },
  }))
  keeper.begin(genesis)
  runner.update(map())
  assert.equal(runner.judgedHead(), '')
  resolve()
  await runner.idle()
  assert.notEqual(runner.judgedHead(), '')
})

test('createGateRunner() keeps who is in while it is held, and judges when it is released', async () => {
  const { runner, results, keeper } = rig()
  runner.update(map(testNode()))
  await runner.idle()
  runner.hold()
  runner.update(map(testNode(), testNode()))
  keeper.await('a lock is announced')
  await runner.idle()
  assert.equal(results.length, 1)
  runner.release()
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 0)
})

test('createGateRunner() lets nobody in when what was learnt cannot be written down', async () => {
  const { keeper, runner, results, failures, files } = rig()
  keeper.begin(genesis)
  const own = testSigner()
  const peer = signedNode(admin, {}, own)
  runner.update(map(peer, signedNode(admin)))
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 2)
  files.crashAt(files.steps())
  runner.update(map(rotatedNode(peer, own), signedNode(admin)))
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 0)
  assert.equal(failures.length, 1)
  assert.match(runner.failure(), /No peer is let in/)
  files.crashAt(Number.POSITIVE_INFINITY)
  runner.rerun()
  await runner.idle()
  assert.equal(results.at(-1)?.admitted.length, 2)
  assert.equal(runner.failure(), '')
  const path = '/state/lock/rotations.json'
  const written = openRotationMemory(files.restart('lost'), path, { mustExist: true })
  assert.notEqual(written.replacedBy(peer.Key), undefined)
})
