// SPDX-License-Identifier: Apache-2.0

/**
 * `kill -9` of the server, right after each thing that it has acknowledged. The next one has it,
 * and the nodes come back by themselves.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import { lockPublicCliText, parseLockPublic } from '@signet/keys'
import { aumHashFromBytes } from '@signet/tka'
import {
  createPrograms,
  serverName,
  up,
  type NodeProgram,
  type ServerProgram,
} from '../processes/programs.ts'
import { until } from '../support/until.ts'

test('a server that is killed after every acknowledgement forgets none of them', async (t) => {
  await using programs = createPrograms()
  const nodes = new Map<string, NodeProgram>()
  let server: ServerProgram = await programs.serve()

  /** Kills the server at once, starts another, and waits for all nodes that are logged in. */
  const replace = async (): Promise<void> => {
    await server.kill()
    server = await programs.serve()
    for (const [name, node] of nodes) {
      await until(`${name} is back`, async () => {
        const { BackendState, Health } = await node.local.status()
        return (
          BackendState === 'Running' && !(Health ?? []).some((text) => /Not connected/.test(text))
        )
      })
    }
  }
  const joined = async (name: string, authKey: string): Promise<number> => {
    nodes.set(name, await programs.node(name))
    return (await up(programs, name, server, authKey)).status
  }
  const lockKey = async (name: string): Promise<string> =>
    lockPublicCliText(parseLockPublic((await nodes.get(name)!.lock()).PublicKey))
  const everywhere = async (head: string): Promise<void> => {
    for (const node of nodes.values()) {
      await node.lockIs(
        `follows ${head}`,
        ({ Head }) => Head !== null && aumHashFromBytes(Head) === head,
      )
    }
  }
  const headOf = async (name: string): Promise<string> => {
    const { Head } = await nodes.get(name)!.lock()
    assert.ok(Head)
    return aumHashFromBytes(Head)
  }
  let authKey = ''
  let secret = ''

  await t.test('a user', async () => {
    await programs.ok(serverName, ['users', 'create', 'ann'])
    await replace()
    assert.deepEqual(
      (await server.admin.users()).map(({ name }) => name),
      ['ann'],
    )
  })

  await t.test('a pre-auth key', async () => {
    authKey = (
      await programs.ok(serverName, ['keys', 'create', '--reusable', '--user', 'ann'])
    ).trim()
    await replace()
    assert.equal((await server.admin.keys()).length, 1)
  })

  await t.test('a registration', async () => {
    assert.equal(await joined('a', authKey), 0)
    const [before] = await server.admin.nodes()
    await replace()
    const [after] = await server.admin.nodes()
    assert.equal(after?.nodeKey, before?.nodeKey)
    assert.deepEqual(after?.addresses, before?.addresses)
    assert.equal(await joined('b', authKey), 0)
    await replace()
    await programs.ok('a', ['ping', 'b'])
  })

  await t.test('a used one-time key and a revoked one', async () => {
    const once = (await programs.ok(serverName, ['keys', 'create', '--user', 'ann'])).trim()
    const other = (await programs.ok(serverName, ['keys', 'create', '--user', 'ann'])).trim()
    assert.equal(await joined('c', once), 0)
    await server.kill()
    server = await programs.serve()
    await programs.ok(serverName, ['keys', 'revoke', other.split('-')[2] ?? ''])
    await replace()
    const thief = await programs.node('thief')
    for (const key of [once, other]) {
      const { status, stderr } = await up(programs, 'thief', server, key)
      assert.equal(status, 1, stderr)
      assert.match(stderr, /used already|been used|revoked/)
    }
    assert.equal((await server.admin.nodes()).length, 3)
    await thief.kill()
  })

  await t.test('the start of a lock', async () => {
    const keys = [await lockKey('a'), await lockKey('b')]
    const said = await programs.ok('a', ['lock', 'init', '--confirm', ...keys])
    await replace()
    assert.equal((await server.admin.lock()).enabled, true)
    for (const node of nodes.values()) {
      await node.lockIs('is signed', ({ Enabled, NodeKeySigned }) => Enabled && NodeKeySigned)
    }
    await everywhere(await headOf('a'))
    await programs.ok('c', ['ping', 'b'])
    secret = /disablement-secret:[0-9A-F]{64}/.exec(said)?.[0] ?? ''
  })

  await t.test('a signature', async () => {
    assert.equal(await joined('d', authKey), 3)
    const status = await nodes.get('d')!.lock()
    await programs.ok('b', ['lock', 'sign', status.NodeKey ?? ''])
    await replace()
    await nodes.get('d')!.lockIs('is signed', ({ NodeKeySigned }) => NodeKeySigned)
    await programs.ok('d', ['ping', 'a'])
  })

  await t.test('a change of the lock', async () => {
    const before = await headOf('a')
    await programs.ok('a', ['lock', 'add', await lockKey('c')])
    await replace()
    const changed = await nodes
      .get('a')!
      .lockIs('has the change', ({ TrustedKeys }) => TrustedKeys?.length === 3)
    const after = changed.Head === null ? '' : aumHashFromBytes(changed.Head)
    assert.notEqual(after, before)
    await everywhere(after)
    assert.equal((await server.admin.lock()).trustedKeys?.length, 3)
  })

  await t.test('the end of the lock', async () => {
    await programs.ok('b', ['lock', 'disable', '-'], { input: secret })
    await replace()
    assert.equal((await server.admin.lock()).enabled, false)
    for (const node of nodes.values()) await node.lockIs('is off', ({ Enabled }) => !Enabled)
  })

  assert.equal(await server.end(), 0)
})
