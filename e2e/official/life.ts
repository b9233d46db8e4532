// SPDX-License-Identifier: Apache-2.0

/**
 * The life of a node after it joined: restarts, logouts, settings, new keys, the end.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { until } from '../support/until.ts'
import {
  ipOf,
  isSilent,
  lockKeyOf,
  nodeKeyOf,
  onServer,
  peerOf,
  pongBothWays,
  pongs,
  sees,
} from './checks.ts'
import { loginUrl } from './joining.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'

const restart = (part: Part, signal: 'SIGTERM' | 'SIGKILL'): Scenario =>
  scenario(`life/client restarted by ${signal}, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    const [key, ip] = [await nodeKeyOf(a), await ipOf(a)]
    await a.stop(signal)
    await a.start()
    await a.is('runs again', ({ BackendState }) => BackendState === 'Running')
    assert.equal(await nodeKeyOf(a), key)
    assert.equal(await ipOf(a), ip)
    await pongBothWays(a, b)
    assert.equal((await stage.admin.nodes()).length, 2)
  })

const downUp = (part: Part): Scenario =>
  scenario(`life/down and up, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    const key = await nodeKeyOf(a)
    await a.ok(['down'])
    await a.is('is stopped', ({ BackendState }) => BackendState === 'Stopped')
    await sees(b, 'a', 'is shown offline', (peer) => peer?.Online === false)
    await a.ok(['up'])
    await sees(b, 'a', 'is shown online', (peer) => peer?.Online === true)
    assert.equal(await nodeKeyOf(a), key)
    await pongBothWays(a, b)
  })

const logout = (part: Part): Scenario =>
  scenario(`life/logout and login, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    const key = await nodeKeyOf(a)
    await a.ok(['logout'])
    await a.is('needs a login', ({ BackendState }) => BackendState === 'NeedsLogin')
    await sees(b, 'a', 'is expired, offline or gone', (peer) => {
      return peer === undefined || peer.Expired === true || !peer.Online
    })
    await stage.join(a)
    assert.notEqual(await nodeKeyOf(a), key)
    await pongBothWays(a, b)
    const nodes = await stage.admin.nodes()
    stage.note(`nodes afterwards: ${nodes.map(({ name }) => name).join(', ')}`)
    assert.equal(nodes.length, 2)
  })

const forceReauth = scenario(
  'life/up --force-reauth, the old key served until approval',
  ['new', 'new'],
  async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined('new', 'a'), await stage.joined('new', 'b')]
    await pongBothWays(a, b)
    const key = await nodeKeyOf(a)
    const words = ['up', '--force-reauth', `--login-server=${stage.server.url}`, '--hostname=a']
    const up = a.cli([...words, '--timeout=60s'], 60_000)
    const url = await loginUrl(a)
    // Nobody approved anything: for the others nothing has changed.
    assert.equal((await peerOf(b, 'a'))?.PublicKey, key)
    assert.equal((await onServer(stage, 'a', 'has its old key', () => true)).nodeKey, key)
    await stage.owner(['nodes', 'approve', '--user', stage.user, url])
    const { status, stdout, stderr } = await up
    assert.equal(status, 0, stdout + stderr)
    await sees(b, 'a', 'has a new key', (peer) => peer !== undefined && peer.PublicKey !== key)
    await pongBothWays(a, b)
    assert.equal((await stage.admin.nodes()).length, 2)
  },
)

const reauthWithKey = (part: Part): Scenario =>
  scenario(`life/up --force-reauth with an auth key, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    const key = await nodeKeyOf(a)
    await stage.join(a, { upFlags: ['--force-reauth'] })
    await sees(b, 'a', 'has a new key', (peer) => peer !== undefined && peer.PublicKey !== key)
    await pongBothWays(a, b)
    assert.equal((await stage.admin.nodes()).length, 2)
  })

const expiry = (part: Part): Scenario =>
  scenario(`life/key expired by the owner, and renewed, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    await pongBothWays(a, b)
    const key = await nodeKeyOf(a)
    await stage.owner(['nodes', 'expire', 'a'])
    await a.is('needs a login', ({ BackendState }) => BackendState === 'NeedsLogin')
    await sees(b, 'a', 'is expired', (peer) => peer?.Expired === true || peer === undefined)
    await stage.join(a, { upFlags: ['--force-reauth'] })
    assert.notEqual(await nodeKeyOf(a), key)
    await pongBothWays(a, b)
    assert.equal((await stage.admin.nodes()).length, 2)
  })

const deleted = (part: Part): Scenario =>
  scenario(`life/node deleted by the owner, ${part}`, [part, 'new'], async (stage) => {
    await stage.serve()
    const [a, b] = [await stage.joined(part, 'a'), await stage.joined('new', 'b')]
    await pongBothWays(a, b)
    const ip = await ipOf(a)
    await stage.owner(['nodes', 'delete', 'a'])
    await sees(b, 'a', 'is gone', (peer) => peer === undefined)
    await isSilent(b, ip)
    await a.is('needs a login', ({ BackendState }) => BackendState === 'NeedsLogin', 60_000)
    await stage.join(a, { upFlags: ['--force-reauth'] })
    await pongBothWays(a, b)
  })

const routes = scenario('life/routes and exit node, approved', ['new', 'old'], async (stage) => {
  await stage.serve()
  const [a, b] = [await stage.joined('new', 'a'), await stage.joined('old', 'b')]
  const routed = ['10.77.0.0/16', '0.0.0.0/0', '::/0']
  await a.ok(['set', '--advertise-routes=10.77.0.0/16', '--advertise-exit-node'])
  await onServer(stage, 'a', 'advertises its routes', ({ advertisedRoutes }) =>
    routed.every((route) => advertisedRoutes?.includes(route) ?? false),
  )
  assert.equal((await peerOf(b, 'a'))?.ExitNodeOption, false)
  const early = await b.cli(['set', '--exit-node=a'])
  assert.notEqual(early.status, 0, 'an exit node that nobody approved cannot be chosen')
  await stage.owner(['nodes', 'routes', 'a', '--approve', routed.join(',')])
  await sees(b, 'a', 'offers its routes', (peer) => {
    return peer?.ExitNodeOption === true && peer.AllowedIPs?.includes('10.77.0.0/16') === true
  })
  assert.match(await b.ok(['exit-node', 'list']), /a\./)
  await b.ok(['set', '--exit-node=a'])
  await sees(b, 'a', 'is the exit node', (peer) => peer?.ExitNode === true)
  await b.ok(['set', '--exit-node='])
  await stage.owner(['nodes', 'routes', 'a', '--approve', ''])
  await sees(b, 'a', 'offers none', (peer) => {
    return peer?.ExitNodeOption === false && peer.AllowedIPs?.includes('10.77.0.0/16') !== true
  })
})

const shieldsUp = scenario('life/shields up', ['new', 'new'], async (stage) => {
  await stage.serve()
  const [a, b] = [await stage.joined('new', 'a'), await stage.joined('new', 'b')]
  await pongBothWays(a, b)
  const icmp = ['ping', '--icmp', '--c=2', '--timeout=2s']
  assert.match(await b.ok([...icmp, await ipOf(a)]), /pong/)
  await a.ok(['set', '--shields-up'])
  const { stdout } = await b.cli([...icmp, await ipOf(a)])
  assert.doesNotMatch(stdout, /pong/)
  assert.match(await a.ok([...icmp, await ipOf(b)]), /pong/)
  await a.ok(['set', '--shields-up=false'])
  assert.match(await b.ok([...icmp, await ipOf(a)]), /pong/)
})

const ssh = scenario('life/ssh offered', ['new', 'new'], async (stage) => {
  await stage.serve()
  const [a, b] = [await stage.joined('new', 'a'), await stage.joined('new', 'b')]
  await a.ok(['set', '--ssh'])
  await until(
    'b sees the host keys of a',
    async () => (await b.ok(['status', '--json'])).includes('"sshHostKeys"'),
    { everyMs: 200 },
  )
})

const tags = scenario('life/tags by a tagged key', ['new', 'old'], async (stage) => {
  await stage.serve()
  const a = await stage.joined('new', 'a')
  const b = await stage.joined('old', 'b', { key: await stage.key({ tags: ['tag:web'] }) })
  const { Self } = await b.local.status()
  assert.deepEqual(Self?.Tags, ['tag:web'])
  await sees(a, 'b', 'has its tag', (peer) => peer?.Tags?.includes('tag:web') === true)
  await stage.owner(['nodes', 'tag', 'b', 'tag:db'])
  await sees(a, 'b', 'has another tag', (peer) => peer?.Tags?.includes('tag:db') === true)
  await pongs(a, b)
  const { status, stdout, stderr } = await b.cli(['lock', 'init', '--confirm', await lockKeyOf(b)])
  assert.notEqual(status, 0, 'a tagged node may not switch the lock on')
  stage.note((stdout + stderr).trim().split('\n').at(-1) ?? '')
})

/** The rows. */
export const life: readonly Scenario[] = [
  restart('new', 'SIGTERM'),
  restart('new', 'SIGKILL'),
  restart('old', 'SIGKILL'),
  restart('signet', 'SIGKILL'),
  downUp('new'),
  downUp('old'),
  downUp('signet'),
  logout('new'),
  logout('old'),
  logout('signet'),
  forceReauth,
  reauthWithKey('new'),
  reauthWithKey('old'),
  reauthWithKey('signet'),
  expiry('new'),
  expiry('old'),
  expiry('signet'),
  deleted('new'),
  deleted('old'),
  deleted('signet'),
  routes,
  shieldsUp,
  ssh,
  tags,
]
