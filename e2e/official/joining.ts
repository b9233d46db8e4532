// SPDX-License-Identifier: Apache-2.0

/**
 * How a client gets in, and what happens when it may not.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { until } from '../support/until.ts'
import { ipOf, onServer, pongBothWays, sees } from './checks.ts'
import { createForwarder } from './forwarder.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

const MAKES: readonly Part[] = ['new', 'old', 'signet']

/** Starts an interactive login and returns the address to open. */
export async function loginUrl(member: Member): Promise<string> {
  const { AuthURL } = await member.is('has an address to log in', (now) => now.AuthURL !== '')
  return AuthURL
}

const withKey = (part: Part): Scenario =>
  scenario(`join/auth key, ${part}`, [part], async (stage) => {
    await stage.serve()
    const member = await stage.joined(part, 'a')
    const node = await onServer(stage, 'a', 'is online', ({ online }) => online)
    assert.deepEqual(node.addresses?.includes(await ipOf(member)), true)
    assert.notEqual(node.lockKey, null, 'the lock key is stored from the first day')
  })

const badKey = (part: Part): Scenario =>
  scenario(`join/auth key that nobody made, ${part}`, [part], async (stage) => {
    await stage.serve()
    const member = await stage.member(part, 'a')
    const key = (await stage.key()).replace(/.{8}$/, 'zzzzzzzz')
    const words = [`--login-server=${stage.server.url}`, `--auth-key=${key}`, '--timeout=8s']
    const { status, stdout, stderr } = await member.cli(['up', ...words])
    assert.notEqual(status, 0)
    stage.note((stdout + stderr).trim().split('\n').at(-1) ?? '')
    assert.deepEqual(await stage.admin.nodes(), [])
  })

const usedKey = scenario('join/one-off key used twice', ['new'], async (stage) => {
  await stage.serve()
  const key = await stage.key({ user: stage.user })
  await stage.joined('new', 'a', { key })
  const second = await stage.member('new', 'b')
  const words = [`--login-server=${stage.server.url}`, `--auth-key=${key}`, '--timeout=8s']
  const { status, stdout, stderr } = await second.cli(['up', ...words])
  assert.notEqual(status, 0)
  stage.note((stdout + stderr).trim().split('\n').at(-1) ?? '')
  assert.equal((await stage.admin.nodes()).length, 1)
})

const interactive = (part: Part): Scenario =>
  scenario(`join/interactive login, ${part}`, [part], async (stage) => {
    await stage.serve()
    const member = await stage.member(part, 'a')
    const words = ['up', `--login-server=${stage.server.url}`, '--hostname=a', '--timeout=60s']
    const up = member.cli(words, 60_000)
    const url = await loginUrl(member)
    assert.equal(new URL(url).origin, new URL(stage.server.url).origin)
    const page = await fetch(url)
    assert.equal(page.status, 200)
    await stage.owner(['nodes', 'approve', '--user', stage.user, url])
    const { status, stdout, stderr } = await up
    assert.equal(status, 0, stdout + stderr)
    await member.is('runs', ({ BackendState }) => BackendState === 'Running')
  })

const cutFollowup = (part: Part): Scenario =>
  scenario(`join/approved at the moment that the wire is cut, ${part}`, [part], async (stage) => {
    await stage.serve()
    await using wire = await createForwarder(stage.server.url)
    const member = await stage.member(part, 'a')
    const words = ['up', `--login-server=${wire.url}`, '--hostname=a', '--timeout=60s']
    const up = member.cli(words, 90_000)
    const url = await loginUrl(member)
    // The client waits on a wire that brings nothing any more.
    wire.watch(() => false)
    await stage.owner(['nodes', 'approve', '--user', stage.user, url])
    wire.watch(undefined)
    wire.cut()
    const { status, stdout, stderr } = await up
    assert.equal(status, 0, stdout + stderr)
    assert.equal((await stage.admin.nodes()).length, 1)
  })

const serverGone = scenario(
  'join/server restarted while a login waits for approval',
  ['new'],
  async (stage) => {
    await stage.serve()
    const member = await stage.member('new', 'a')
    const words = ['up', `--login-server=${stage.server.url}`, '--hostname=a', '--timeout=90s']
    const up = member.cli(words, 90_000)
    const url = await loginUrl(member)
    await stage.stopServer('SIGKILL')
    await stage.serve()
    // What waited is forgotten: the client asks again by itself, and shows another address.
    const { AuthURL } = await member.is(
      'has another address to log in',
      (now) => now.AuthURL !== '' && now.AuthURL !== url,
      60_000,
    )
    await stage.owner(['nodes', 'approve', '--user', stage.user, AuthURL])
    const { status, stdout, stderr } = await up
    assert.equal(status, 0, stdout + stderr)
  },
)

const denied = scenario('join/interactive login denied', ['new'], async (stage) => {
  await stage.serve()
  const member = await stage.member('new', 'a')
  const words = ['up', `--login-server=${stage.server.url}`, '--hostname=a', '--timeout=20s']
  const up = member.cli(words, 40_000)
  const url = await loginUrl(member)
  await stage.owner(['nodes', 'deny', url])
  const { status, stdout, stderr } = await up
  assert.notEqual(status, 0)
  stage.note((stdout + stderr).trim().split('\n').at(-1) ?? '')
  assert.deepEqual(await stage.admin.nodes(), [])
})

const collision = scenario('join/hostname collision and change', ['new', 'old'], async (stage) => {
  await stage.serve()
  const first = await stage.joined('new', 'a')
  const second = await stage.member('old', 'b')
  await stage.join(second, { hostname: 'a' })
  const names = async (): Promise<string[]> => (await stage.admin.nodes()).map(({ name }) => name)
  assert.deepEqual((await names()).sort(), ['a', 'a-1'])
  await sees(first, 'a-1', 'is seen', (peer) => peer !== undefined)
  await second.ok(['set', '--hostname=c'])
  await sees(first, 'c', 'is seen under its new name', (peer) => peer !== undefined)
  await pongBothWays(first, second)
})

const ephemeral = scenario(
  'join/ephemeral node is removed when it has left',
  ['new'],
  async (stage: Stage) => {
    await stage.serve(['--ephemeral-grace-seconds', '10'])
    const key = await stage.key({ user: stage.user, reusable: true, ephemeral: true })
    const watcher = await stage.joined('new', 'a')
    const leaver = await stage.joined('new', 'b', { state: 'mem:', key })
    const killed = await stage.joined('new', 'c', { state: 'mem:', key })
    await sees(watcher, 'b', 'is seen', (peer) => peer !== undefined)
    await sees(watcher, 'c', 'is seen', (peer) => peer !== undefined)
    // It logs out when it is asked to end, and cannot when it is killed.
    const began = performance.now()
    const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`
    await leaver.stop('SIGTERM')
    await killed.stop('SIGKILL')
    await sees(watcher, 'b', 'is gone', (peer) => peer === undefined, 60_000)
    stage.note(`gone ${seconds()} after it logged out`)
    await sees(watcher, 'c', 'is gone', (peer) => peer === undefined, 60_000)
    stage.note(`gone ${seconds()} after it was killed`)
    await until('the server forgets both', async () => (await stage.admin.nodes()).length === 1)
  },
)

/** The rows. */
export const joining: readonly Scenario[] = [
  ...MAKES.map(withKey),
  ...MAKES.map(badKey),
  usedKey,
  ...MAKES.map(interactive),
  cutFollowup('new'),
  cutFollowup('old'),
  cutFollowup('signet'),
  serverGone,
  denied,
  collision,
  ephemeral,
]
