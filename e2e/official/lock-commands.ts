// SPDX-License-Identifier: Apache-2.0

/**
 * Every `lock` command, from the official clients and from ours, against one server.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  allUnderLock,
  isSilent,
  ipOf,
  lockKeyOf,
  lockOn,
  nobodyUnderLock,
  nodeKeyOf,
  pongBothWays,
  secretsIn,
} from './checks.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

/** A server, and members of these makes: a, b, c... */
export async function tailnet(stage: Stage, parts: readonly Part[]): Promise<Member[]> {
  await stage.serve()
  const members = []
  for (const [index, part] of parts.entries()) {
    members.push(await stage.joined(part, String.fromCharCode(97 + index)))
  }
  return members
}

/** The members of a tailnet of three or more. */
async function three(
  stage: Stage,
  parts: readonly Part[],
): Promise<[Member, Member, Member, ...Member[]]> {
  const [a, b, c, ...others] = await tailnet(stage, parts)
  if (a === undefined || b === undefined || c === undefined) throw new Error('Too few parts')
  return [a, b, c, ...others]
}

const init = (parts: readonly Part[]): Scenario =>
  scenario(`lock/init, by ${parts[0]}`, parts, async (stage) => {
    const members = await three(stage, parts)
    const [a, b] = members
    const keys = [await lockKeyOf(a), await lockKeyOf(b)]
    const preview = await a.ok(['lock', 'init', '--gen-disablements=2', ...keys])
    assert.match(preview, /--confirm/)
    assert.equal((await stage.admin.lock()).enabled, false)
    const secrets = await lockOn([a, b], 2)
    assert.equal(secrets.length, 2)
    await allUnderLock(members, 2)
    await pongBothWays(a, members[2])
    const again = await a.cli(['lock', 'init', '--confirm', ...keys])
    assert.match(again.stdout + again.stderr, /already enabled/)
    assert.notEqual(again.status, 0)
  })

const support = (part: Part): Scenario =>
  scenario(`lock/init with a secret for support is refused, ${part}`, [part], async (stage) => {
    const [a] = await tailnet(stage, [part])
    if (a === undefined) throw new Error('Too few parts')
    const words = ['lock', 'init', '--confirm', '--gen-disablement-for-support']
    const { status, stdout, stderr } = await a.cli([...words, await lockKeyOf(a)])
    assert.notEqual(status, 0)
    assert.match(stdout + stderr, /does not keep disablement secrets/)
    assert.equal((await stage.admin.lock()).enabled, false)
    stage.note((stdout + stderr).trim().split('\n').at(-1) ?? '')
    await lockOn([a])
    await allUnderLock([a], 1)
  })

/** Returns a member of a JSON object that a command printed. */
function field(text: string, name: string): unknown {
  const object: unknown = JSON.parse(text)
  if (typeof object !== 'object' || object === null) throw new Error(`No object: ${text}`)
  return (object as Readonly<Record<string, unknown>>)[name]
}

const status = (parts: readonly Part[]): Scenario =>
  scenario(`lock/status and log, also as JSON, ${parts[0]}`, parts, async (stage) => {
    const [a, b] = await tailnet(stage, parts)
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    assert.match(await a.ok(['lock']), /not enabled/i)
    const off = await a.cli(['lock', 'log'])
    assert.notEqual(off.status, 0)
    await lockOn([a])
    await allUnderLock([a, b])
    const key = await lockKeyOf(a)
    assert.ok((await a.ok(['lock', 'status'])).includes(key))
    assert.match(await b.ok(['lock', 'status']), /accessible/)
    await a.ok(['lock', 'add', await lockKeyOf(b)])
    await allUnderLock([a, b], 2)
    const json = await a.ok(['lock', 'status', '--json'])
    // The older age has no schema number and other words.
    if (field(json, 'SchemaVersion') !== undefined) {
      assert.equal(field(json, 'Enabled'), true)
      assert.equal(field(json, 'NodeKeySigned'), true)
      assert.equal(field(json, 'PublicKey'), key)
    }
    const log = await b.ok(['lock', 'log'])
    assert.match(log, /add-key[\s\S]*checkpoint/)
    assert.equal(/checkpoint/.test(await b.ok(['lock', 'log', '--limit=1'])), false)
    assert.ok((await b.ok(['lock', 'log', '--json'])).length > 100)
    const theirs = await stage.theirs(b, ['lock', 'log', '--json=1'])
    const ours = await stage.ours(b, ['lock', 'log', '--json=1'])
    assert.deepEqual(JSON.parse(ours.stdout), JSON.parse(theirs.stdout), 'both commands agree')
  })

const addRemove = (parts: readonly Part[]): Scenario =>
  scenario(`lock/add, remove with re-signing, by ${parts[0]}`, parts, async (stage) => {
    const members = await three(stage, parts)
    const [a, b, c] = members
    await lockOn([a])
    await allUnderLock(members, 1)
    const key = await lockKeyOf(b)
    await a.ok(['lock', 'add', key])
    await allUnderLock(members, 2)
    const own = await a.cli(['lock', 'remove', await lockKeyOf(a)])
    assert.notEqual(own.status, 0, 'the own key stays')
    // A node that only the key of b vouches for.
    const d = await stage.joined('new', 'd')
    await d.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
    await b.ok(['lock', 'sign', await nodeKeyOf(d), await lockKeyOf(d)])
    await allUnderLock([...members, d], 2)
    await a.ok(['lock', 'remove', key])
    await allUnderLock([...members, d], 1)
    await pongBothWays(d, c)
    const last = await a.cli(['lock', 'remove', await lockKeyOf(a)])
    assert.notEqual(last.status, 0, 'the last key stays')
  })

const removeBare = scenario(
  'lock/remove without re-signing locks out',
  ['new', 'new', 'new'],
  async (stage) => {
    const members = await three(stage, ['new', 'new', 'new'])
    const [a, b, c] = members
    await lockOn([a, b])
    await allUnderLock(members, 2)
    const d = await stage.joined('new', 'd')
    await b.ok(['lock', 'sign', await nodeKeyOf(d), await lockKeyOf(d)])
    await allUnderLock([...members, d], 2)
    await a.ok(['lock', 'remove', '--re-sign=false', await lockKeyOf(b)])
    await d.lockIs('is locked out', ({ NodeKeySigned }) => !NodeKeySigned)
    await c.lockIs('refuses d', ({ FilteredPeers }) => FilteredPeers?.length === 1)
    await isSilent(c, await ipOf(d))
    await a.ok(['lock', 'sign', await nodeKeyOf(d), await lockKeyOf(d)])
    await allUnderLock([...members, d], 1)
  },
)

const signUnwrapped = scenario(
  'lock/sign without a rotation key',
  ['new', 'new'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new'])
    if (a === undefined || b !== undefined) throw new Error('One part')
    await lockOn([a])
    const c = await stage.joined('new', 'c')
    await c.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
    // It writes 32 zero bytes where the rotation key stands, under which anybody could rotate the node.
    const { status: code, stdout, stderr } = await a.cli(['lock', 'sign', await nodeKeyOf(c)])
    assert.notEqual(code, 0)
    stage.note(`refused: ${(stdout + stderr).trim().split('\n').at(-1)}`)
    await a.ok(['lock', 'sign', await nodeKeyOf(c), await lockKeyOf(c)])
    await allUnderLock([a, c])
  },
)

const disable = (parts: readonly Part[]): Scenario =>
  scenario(`lock/disable, by ${parts[0]}`, parts, async (stage) => {
    const members = await three(stage, parts)
    const [a] = members
    const [secret = '', second = ''] = await lockOn([a], 2)
    await allUnderLock(members)
    const wrong = `disablement-secret:${randomBytes(32).toString('hex').toUpperCase()}`
    assert.notEqual((await a.cli(['lock', 'disable', wrong])).status, 0)
    assert.equal((await stage.admin.lock()).enabled, true)
    await a.ok(['lock', 'disable', secret])
    await nobodyUnderLock(members)
    assert.notEqual((await a.cli(['lock', 'disable', second])).status, 0, 'it is off')
    await pongBothWays(a, members[2])
    await lockOn([a])
    await allUnderLock(members)
  })

const localDisable = (part: Part): Scenario =>
  scenario(`lock/local-disable, ${part}`, [part, 'new'], async (stage) => {
    const [a, b] = await tailnet(stage, [part, 'new'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([b])
    await allUnderLock([a, b])
    const stranger = await stage.joined('new', 'c')
    await a.lockIs('refuses c', ({ FilteredPeers }) => FilteredPeers?.length === 1)
    await a.ok(['lock', 'local-disable'])
    await a.lockIs('left the lock', ({ Enabled }) => !Enabled)
    await b.lockIs('is under the lock still', ({ Enabled }) => Enabled)
    await isSilent(b, await ipOf(stranger))
    await a.stop('SIGTERM')
    await a.start()
    await a.is('runs', ({ BackendState }) => BackendState === 'Running')
    await a.lockIs('left the lock', ({ Enabled }) => !Enabled)
  })

const kdf = scenario('lock/disablement-kdf', ['new', 'old', 'signet'], async (stage) => {
  const [a, b, c] = await three(stage, ['new', 'old', 'signet'])
  const secret = randomBytes(32).toString('hex')
  const value = await a.ok(['lock', 'disablement-kdf', secret])
  assert.match(value, /^disablement:[0-9a-f]{64}\n$/)
  assert.equal(await b.ok(['lock', 'disablement-kdf', secret]), value)
  assert.equal(await stage.programs.succeed(['lock', 'disablement-kdf', secret]), value)
  // A value that was computed elsewhere ends the lock like one made by init.
  const words = ['lock', 'init', '--confirm', '--gen-disablements=0', value.trim()]
  await a.ok([...words, await lockKeyOf(a)])
  await allUnderLock([a, b, c])
  await b.ok(['lock', 'disable', `disablement-secret:${secret}`])
  await nobodyUnderLock([a, b, c])
})

/** Returns the recovery that a step of revoke-keys printed. */
function blobIn(text: string): string {
  const blob = text.match(/[0-9A-Fa-f]{200,}/)?.[0]
  if (blob === undefined) throw new Error(`No recovery in: ${text}`)
  return blob
}

const revoke = (parts: readonly Part[]): Scenario =>
  scenario(`lock/revoke-keys in three steps, by ${parts[0]}`, parts, async (stage) => {
    const members = await three(stage, parts)
    const [a, b, c] = members
    await lockOn([a, b])
    await allUnderLock(members, 2)
    // The key of c was added later: the history forks before it.
    await a.ok(['lock', 'add', await lockKeyOf(c)])
    await allUnderLock(members, 3)
    const first = blobIn(await a.ok(['lock', 'revoke-keys', await lockKeyOf(c)]))
    const alone = await a.cli(['lock', 'revoke-keys', '--finish', first])
    // One signature against one is decided by the hashes. Whoever loses is told, whoever wins has won.
    if (alone.status !== 0)
      assert.match(alone.stdout + alone.stderr, /too few signatures|would lose/)
    else await allUnderLock(members, 2)
    stage.note(`one signature: ${alone.status === 0 ? 'won the tie' : 'refused'}`)
    const second = blobIn(await b.ok(['lock', 'revoke-keys', '--cosign', first]))
    await b.ok(['lock', 'revoke-keys', '--finish', second])
    await allUnderLock(members, 2)
    for (const member of members) {
      const { TrustedKeys } = await member.local.lock.status()
      const key = (await lockKeyOf(c)).replace('tlpub:', 'nlpub:')
      assert.ok(TrustedKeys?.every(({ Key }) => Key !== key))
    }
    await pongBothWays(a, b)
  })

const crossed = scenario(
  'lock/each command line on the other daemon',
  ['new', 'signet'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new', 'signet'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    const ok = ({
      status: code,
      stdout,
      stderr,
    }: {
      status: number
      stdout: string
      stderr: string
    }): string => {
      assert.equal(code, 0, stdout + stderr)
      return stdout
    }
    assert.match(ok(await stage.theirs(b, ['status'])), /100\.64\./)
    assert.match(ok(await stage.ours(a, ['status'])), /100\.64\./)
    // Their init on our daemon, our add, sign and remove on theirs.
    const keys = [await lockKeyOf(b)]
    const words = ['lock', 'init', '--confirm', '--gen-disablements=1', ...keys]
    const [secret = ''] = secretsIn(ok(await stage.theirs(b, words)))
    await allUnderLock([a, b], 1)
    ok(await stage.theirs(b, ['lock', 'add', await lockKeyOf(a)]))
    await allUnderLock([a, b], 2)
    const c = await stage.joined('new', 'c')
    await c.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
    ok(await stage.ours(a, ['lock', 'sign', await nodeKeyOf(c), await lockKeyOf(c)]))
    await allUnderLock([a, b, c], 2)
    ok(await stage.ours(a, ['lock', 'remove', await lockKeyOf(b)]))
    await allUnderLock([a, b, c], 1)
    assert.match(ok(await stage.theirs(b, ['lock', 'log'])), /remove-key/)
    assert.match(ok(await stage.ours(a, ['lock', 'log'])), /remove-key/)
    assert.match(ok(await stage.theirs(b, ['ping', '--c=3', await ipOf(a)])), /pong/)
    assert.match(ok(await stage.ours(a, ['ping', '--c=3', await ipOf(b)])), /pong/)
    ok(await stage.theirs(b, ['lock', 'disable', secret]))
    await nobodyUnderLock([a, b, c])
  },
)

/** The rows. */
export const lockCommands: readonly Scenario[] = [
  init(['new', 'old', 'signet']),
  init(['old', 'new', 'signet']),
  init(['signet', 'new', 'old']),
  support('new'),
  support('old'),
  status(['new', 'signet']),
  status(['old', 'signet']),
  addRemove(['new', 'old', 'signet']),
  addRemove(['old', 'signet', 'new']),
  addRemove(['signet', 'new', 'old']),
  removeBare,
  signUnwrapped,
  disable(['new', 'old', 'signet']),
  disable(['old', 'new', 'signet']),
  disable(['signet', 'new', 'old']),
  localDisable('new'),
  localDisable('signet'),
  kdf,
  revoke(['new', 'new', 'new']),
  revoke(['old', 'new', 'signet']),
  revoke(['signet', 'new', 'old']),
  crossed,
]
