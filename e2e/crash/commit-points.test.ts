// SPDX-License-Identifier: Apache-2.0

/**
 * `kill -9` of the server at every commit point of its database, before and after: what the caller
 * was told is so, what it was not told is one or the other, and trying again is all that it takes.
 * No node is unlocked by it.
 */

import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import {
  generateLockKey,
  lockKeyId,
  lockPublicOf,
  parseLockPublic,
  type LockPublic,
} from '@signet/keys'
import { startNode, type SignetNode } from '@signet/node'
import { defaultPrefs } from '@signet/protocol/local-api'
import { disablementValue, KeyKind, type Key } from '@signet/tka'
import { adminOf } from '../support/admin.ts'
import { until } from '../support/until.ts'
import type { Death } from './dying-server.ts'

const secret = new Uint8Array(32).fill(5)
const deaths: readonly Death[] = [
  { fault: 'before', commit: 0 },
  { fault: 'after', commit: 0 },
  { fault: 'before', commit: 1 },
  { fault: 'after', commit: 1 },
]

const trusted = (key: LockPublic): Key => ({
  kind: KeyKind.Ed25519,
  votes: 1n,
  public: lockKeyId(key),
  meta: null,
})

test('a server that is killed at every commit point', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-commit-'))
  const stateDir = join(dir, 'server')
  const admin = adminOf(join(stateDir, 'admin.sock'))
  const nodes: SignetNode[] = []
  let port = 0
  let server: ChildProcess | undefined
  t.after(async () => {
    for (const node of nodes) await node.close()
    if (server?.kill('SIGKILL') === true) await once(server, 'exit')
    rmSync(dir, { recursive: true, force: true })
  })

  const serve = async (): Promise<ChildProcess> => {
    server = fork(join(import.meta.dirname, 'dying-server.ts'), [stateDir, String(port)])
    const [message] = (await once(server, 'message')) as [number]
    port = message
    return server
  }
  const join_ = async (name: string, authKey: string): Promise<SignetNode> => {
    const node = await startNode({
      stateDir: join(dir, name),
      socketPath: false,
      bind: '127.0.0.1',
      port: 0,
    })
    nodes.push(node)
    const ControlURL = `http://127.0.0.1:${port}`
    const UpdatePrefs = { ...defaultPrefs, ControlURL, WantRunning: true, Hostname: name }
    node.start({ UpdatePrefs, AuthKey: authKey })
    return node
  }
  const died = (child: ChildProcess): Promise<boolean> =>
    until('the server is dead', () => child.signalCode === 'SIGKILL')
  const isRunning = (node: SignetNode): Promise<boolean> =>
    until('a node runs', () => node.status().BackendState === 'Running')

  await serve()
  await admin.createUser({ name: 'ann' })
  const { key: authKey } = await admin.createKey({ user: 'ann', reusable: true })
  const a = await join_('a', authKey)
  const b = await join_('b', authKey)
  for (const node of [a, b]) await isRunning(node)
  await until('a sees b', () => a.peers().length === 1)
  const keys = [a, b].map((node) => trusted(parseLockPublic(node.lock.status().PublicKey)))
  const init = {
    keys,
    disablementValues: [await disablementValue(secret)],
    supportDisablement: null,
    signUnknownNodes: false,
  }

  /**
   * Does something while the server waits to die. If it was acknowledged, it is done; otherwise it is
   * tried again with the next server until it is. Returns whether the server died.
   */
  const through = async (
    death: Death,
    act: () => Promise<unknown>,
    isDone: () => Promise<boolean>,
  ): Promise<boolean> => {
    const dying = server
    assert.ok(dying)
    dying.send(death)
    await once(dying, 'message')
    const wasLocked = [a, b].map((node) => node.lock.status().Enabled)
    const isAcknowledged = await act().then(
      () => true,
      () => false,
    )
    const isAlive = isAcknowledged && (await admin.info().then(Boolean, () => false))
    // With a server that is down nobody can have been shown the secret.
    if (!isAlive) {
      await died(dying)
      for (const [at, node] of [a, b].entries()) {
        if (wasLocked[at] === true) assert.equal(node.lock.status().Enabled, true)
      }
      await serve()
    }
    if (isAcknowledged) assert.ok(await isDone(), 'acknowledged, and not there')
    else {
      const isThere = await isDone()
      assert.equal(
        isThere,
        death.fault === 'after' && death.commit === lastCommit,
        'one or the other',
      )
      if (!isThere)
        await until('it goes through', () =>
          act().then(
            () => true,
            () => false,
          ),
        )
      assert.ok(await isDone())
    }
    return !isAlive
  }
  /** Starting a lock takes two commits, all else one. */
  let lastCommit = 0
  const isOn = async (): Promise<boolean> => (await admin.lock()).enabled
  const bothAre = async (enabled: boolean): Promise<void> => {
    for (const node of [a, b]) {
      await until(`the lock of a node is ${enabled ? 'on' : 'off'}`, () => {
        const { Enabled, NodeKeySigned } = node.lock.status()
        return Enabled === enabled && NodeKeySigned === enabled
      })
    }
  }

  for (const death of deaths) {
    const when = `${death.fault} commit ${death.commit + 1}`
    await t.test(`${when} of the start of a lock`, async () => {
      lastCommit = 1
      const others = (await admin.nodes()).length - 1
      await until('a sees everybody', () => a.peers().length === others)
      assert.ok(await through(death, () => a.lock.init(init), isOn))
      await bothAre(true)
    })
    lastCommit = 0
    if (death.commit === 0) {
      await t.test(`${when} of a change of the lock`, async () => {
        const key = trusted(lockPublicOf(generateLockKey()))
        const isThere = async (): Promise<boolean> => (await admin.lock()).trustedKeys?.length === 3
        assert.ok(await through(death, () => b.lock.modify([key], []), isThere))
        for (const node of [a, b]) {
          await until('it is everywhere', () => node.lock.status().TrustedKeys?.length === 3)
        }
      })
      await t.test(`${when} of a registration with a one-time key`, async () => {
        const { key } = await admin.createKey({ user: 'ann' })
        const name = `c-${death.fault}`
        const before = (await admin.nodes()).length
        const dying = server
        assert.ok(dying)
        dying.send(death)
        await once(dying, 'message')
        const node = await join_(name, key)
        await died(dying)
        await serve()
        assert.equal((await admin.nodes()).length, before + (death.fault === 'after' ? 1 : 0))
        // It asks again by itself, with the same keys.
        await isRunning(node)
        assert.equal((await admin.nodes()).length, before + 1)
        const { Enabled, NodeKeySigned } = node.lock.status()
        assert.deepEqual([Enabled, NodeKeySigned], [true, false])
      })
      await t.test(`${when} of the end of the lock`, async () => {
        await bothAre(true)
        const isOff = async (): Promise<boolean> => !(await isOn())
        assert.ok(await through(death, () => b.lock.disable(secret), isOff))
        await bothAre(false)
      })
    } else {
      await a.lock.disable(secret)
      await bothAre(false)
    }
  }
})
