// SPDX-License-Identifier: Apache-2.0

/**
 * `kill -9` of a node that is under a lock, and a disk that lies to it when it comes back. It is
 * never unlocked by either: it has the head that it reported, or it refuses everybody and says why.
 */

import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { lockPublicCliText, parseLockPublic } from '@signet/keys'
import type { LockStatus } from '@signet/protocol/local-api'
import { aumHashText, aumHashFromBytes } from '@signet/tka'
import {
  createPrograms,
  serverName,
  up,
  type NodeProgram,
  type ServerProgram,
} from '../processes/programs.ts'
import { until } from '../support/until.ts'

const headText = ({ Head }: LockStatus): string =>
  Head === null ? '' : aumHashText(aumHashFromBytes(Head))

/** What can happen to the files of a lock, and what the node says of it. */
const damages: readonly (readonly [string, (lock: string) => void, RegExp])[] = [
  ['its log ends in the middle', (lock) => halve(join(lock, 'updates.log')), /damaged|missing/],
  ['its log is gone', (lock) => rmSync(join(lock, 'updates.log')), /its store is gone/],
  ['its directory is gone', (lock) => rmSync(lock, { recursive: true }), /its store is gone/],
  ['one bit of its log is flipped', (lock) => flip(join(lock, 'updates.log')), /damaged/],
  ['its log is empty', (lock) => truncateSync(join(lock, 'updates.log')), /damaged/],
  ['its rotations are gone', (lock) => rmSync(join(lock, 'rotations.json')), /missing/],
]

function halve(path: string): void {
  truncateSync(path, Math.floor(readFileSync(path).length / 2))
}

function flip(path: string): void {
  const bytes = readFileSync(path)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

test('a node under a lock that is killed, and whose disk is damaged', async (t) => {
  await using programs = createPrograms()
  let server: ServerProgram = await programs.serve()
  const key = await programs.ok(serverName, ['keys', 'create', '--reusable'])
  const nodes = new Map<string, NodeProgram>()
  const join_ = async (name: string): Promise<NodeProgram> => {
    const node = await programs.node(name)
    nodes.set(name, node)
    await up(programs, name, server, key)
    return node
  }
  let a = await join_('a')
  const b = await join_('b')
  const keys: string[] = []
  for (const node of [a, b]) {
    keys.push(lockPublicCliText(parseLockPublic((await node.lock()).PublicKey)))
  }
  await programs.ok('a', ['lock', 'init', '--confirm', ...keys])
  await b.lockIs('is signed', ({ NodeKeySigned }) => NodeKeySigned)
  // Nobody signed it: whatever happens, it stays outside.
  const rogue = await join_('rogue')
  const rogueKey = (await rogue.lock()).NodeKey
  const rogueIp = (await programs.ok('rogue', ['ip', '-4'])).trim()

  /** The node is locked, at that head, with `b` let in and the rogue not. */
  const assertWhole = async (head: string): Promise<void> => {
    const status = await a.lockIs(
      `has ${head}, knows both`,
      (now) =>
        headText(now) === head && now.VisiblePeers?.length === 1 && now.FilteredPeers?.length === 1,
    )
    assert.equal(status.Enabled, true)
    assert.equal(status.FilteredPeers?.[0]?.NodeKey, rogueKey)
    await programs.ok('a', ['ping', 'b'])
    const refused = await programs.on('a', ['ping', '--c', '1', '--timeout', '1s', rogueIp])
    assert.equal(refused.status, 3, refused.stderr)
  }
  const inStep = async (): Promise<string> => {
    await until('the server knows what every node has', async () =>
      (await server.admin.acks()).every(({ state }) => state === 'in-sync'),
    )
    return headText(await a.lock())
  }

  await t.test('right after it reported a head: the same head, and the same peers', async () => {
    const before = await inStep()
    await programs.ok('b', [
      'lock',
      'add',
      lockPublicCliText(parseLockPublic((await rogue.lock()).PublicKey)),
    ])
    const head = await a.lockIs('has the change', (now) => headText(now) !== before).then(headText)
    await a.kill()
    a = await programs.node('a')
    await assertWhole(head)
  })

  await t.test('right after it changed the lock itself', async () => {
    await programs.ok('a', [
      'lock',
      'remove',
      '--re-sign=false',
      '--yes',
      lockPublicCliText(parseLockPublic((await rogue.lock()).PublicKey)),
    ])
    const { head } = await server.admin.lock()
    await a.kill()
    a = await programs.node('a')
    await assertWhole(head ?? '')
    assert.equal(await inStep(), head)
  })

  await t.test('with the server gone too: locked before anybody tells it anything', async () => {
    const head = headText(await a.lock())
    await a.kill()
    await server.kill()
    a = await programs.node('a')
    const status = await a.lock()
    assert.equal(status.Enabled, true)
    assert.equal(headText(status), head)
    server = await programs.serve()
    await assertWhole(head)
  })

  await a.kill()
  const state = programs.stateDir('a')
  const healthy = join(programs.dir, 'backup')
  cpSync(state, healthy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const mark = (): unknown =>
    (JSON.parse(readFileSync(join(state, 'node.json'), 'utf8')) as { wasLocked: unknown }).wasLocked
  const before = mark()
  assert.ok(before)

  for (const [name, damage, why] of damages) {
    await t.test(`${name}: nobody gets in, and it says why`, async () => {
      rmSync(state, { recursive: true })
      cpSync(healthy, state, { recursive: true })
      damage(join(state, 'lock'))
      a = await programs.node('a')
      const lock = await a.lockIs('has judged', (now) => now.FilteredPeers?.length === 2)
      assert.equal(lock.Enabled, true)
      assert.deepEqual(lock.VisiblePeers, [])
      assert.match(lock.Signet?.FailedClosed ?? '', why)

      const shown = await programs.ok('a', ['lock', 'status'])
      assert.match(shown, /this node refuses all peers/)
      assert.match(shown, why)
      const status = await programs.on('a', ['status'])
      assert.equal(status.status, 3, status.stderr)
      assert.match(status.stdout + status.stderr, /refuses all peers/)
      assert.match(status.stdout + status.stderr, why)
      for (const peer of ['b', rogueIp]) {
        const ping = await programs.on('a', ['ping', '--c', '1', '--timeout', '1s', peer])
        assert.equal(ping.status, 3, ping.stderr)
      }

      assert.deepEqual(mark(), before)
      await a.kill()
    })
  }

  await t.test('what was there before, put back: whole again', async () => {
    rmSync(state, { recursive: true })
    cpSync(healthy, state, { recursive: true })
    a = await programs.node('a')
    await assertWhole((before as { head: string }).head)
  })
})
