// SPDX-License-Identifier: Apache-2.0

/**
 * The lock when things happen in an awkward order: somebody is away, a key changes, two do the same.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  allUnderLock,
  ipOf,
  isSilent,
  lockKeyOf,
  lockOn,
  nobodyUnderLock,
  nodeKeyOf,
  pongBothWays,
} from './checks.ts'
import { loginUrl } from './joining.ts'
import { tailnet } from './lock-commands.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

const PARTS: readonly Part[] = ['new', 'old', 'signet']

async function abc(stage: Stage, parts: readonly Part[]): Promise<[Member, Member, Member]> {
  const [a, b, c] = await tailnet(stage, parts)
  if (a === undefined || b === undefined || c === undefined) throw new Error('Too few parts')
  return [a, b, c]
}

/** Starts a member that was away; nobody types anything. */
async function back(member: Member): Promise<void> {
  await member.start()
  await member.is('runs', ({ BackendState }) => BackendState === 'Running')
}

const initWhileAway = (parts: readonly Part[]): Scenario =>
  scenario(`order/a: init while ${parts[2]} is away, then it returns`, parts, async (stage) => {
    const [a, b, c] = await abc(stage, parts)
    await c.stop('SIGTERM')
    await lockOn([a])
    await allUnderLock([a, b], 1, 1)
    await back(c)
    await allUnderLock([a, b, c], 1)
    await pongBothWays(b, c)
    await pongBothWays(a, c)
  })

const addAndSign = (parts: readonly Part[]): Scenario =>
  scenario(`order/b: add a key, sign with it at once, ${parts[1]}`, parts, async (stage) => {
    const [a, b, c] = await abc(stage, parts)
    await lockOn([a])
    await allUnderLock([a, b, c], 1)
    const d = await stage.joined('new', 'd')
    await a.ok(['lock', 'add', await lockKeyOf(b)])
    await b.lockIs('is trusted', ({ TrustedKeys }) => TrustedKeys?.length === 2)
    await b.ok(['lock', 'sign', await nodeKeyOf(d), await lockKeyOf(d)])
    await allUnderLock([a, b, c, d], 2)
    await pongBothWays(a, d)
  })

const removeWhileAway = (parts: readonly Part[]): Scenario =>
  scenario(`order/c: remove with re-signing while ${parts[2]} is away`, parts, async (stage) => {
    const [a, b, c] = await abc(stage, parts)
    await lockOn([b])
    await allUnderLock([a, b, c], 1)
    await b.ok(['lock', 'add', await lockKeyOf(a)])
    await allUnderLock([a, b, c], 2)
    await c.stop('SIGKILL')
    // The key of b signed all of them.
    await a.ok(['lock', 'remove', await lockKeyOf(b)])
    await allUnderLock([a, b], 1, 1)
    await back(c)
    await allUnderLock([a, b, c], 1)
    await pongBothWays(b, c)
  })

const rotation = (part: Part): Scenario =>
  scenario(`order/d: new node key under lock, auth key, ${part}`, [part, 'new'], async (stage) => {
    const [a, b] = await tailnet(stage, [part, 'new'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([b])
    await allUnderLock([a, b])
    for (const round of [1, 2, 3]) {
      const key = await nodeKeyOf(a)
      await stage.join(a, { upFlags: ['--force-reauth'] })
      await a.lockIs('has a new key', ({ NodeKey }) => NodeKey !== null && NodeKey !== key)
      await allUnderLock([a, b])
      await pongBothWays(a, b)
      stage.note(`rotated ${round}`)
    }
    assert.equal((await stage.admin.nodes()).length, 2)
  })

const rotationByLogin = scenario(
  'order/d: new node key under lock, interactive login',
  ['new', 'new'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new', 'new'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([b])
    await allUnderLock([a, b])
    const key = await nodeKeyOf(a)
    const words = ['up', '--force-reauth', `--login-server=${stage.server.url}`, '--hostname=a']
    const up = a.cli([...words, '--timeout=60s'], 60_000)
    await stage.owner(['nodes', 'approve', '--user', stage.user, await loginUrl(a)])
    const { status, stdout, stderr } = await up
    assert.equal(status, 0, stdout + stderr)
    await a.lockIs('has a new key', ({ NodeKey }) => NodeKey !== null && NodeKey !== key)
    await allUnderLock([a, b])
    await pongBothWays(a, b)
  },
)

const expiredUnderLock = (part: Part): Scenario =>
  scenario(`order/d: expired key renewed under lock, ${part}`, [part, 'new'], async (stage) => {
    const [a, b] = await tailnet(stage, [part, 'new'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([b])
    await allUnderLock([a, b])
    await stage.owner(['nodes', 'expire', 'a'])
    await a.is('needs a login', ({ BackendState }) => BackendState === 'NeedsLogin')
    await stage.join(a, { upFlags: ['--force-reauth'] })
    await allUnderLock([a, b])
    await pongBothWays(a, b)
  })

const wrapped = (signer: Part, newcomer: Part): Scenario =>
  scenario(
    `order/e: auth key signed by ${signer}, ${newcomer} joins with it`,
    [signer, 'new', newcomer],
    async (stage) => {
      const [a, b] = await tailnet(stage, [signer, 'new'])
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      await allUnderLock([a, b], 1)
      const key = (await a.ok(['lock', 'sign', await stage.key()])).trim()
      assert.match(key, /^tskey-auth-\S+--TL\S+$/)
      await allUnderLock([a, b], 2)
      const c = await stage.joined(newcomer, 'c', { key })
      await allUnderLock([a, b, c], 2)
      await pongBothWays(b, c)
      // The rotation key is that of the auth key: a new node key takes the same auth key again.
      const before = await nodeKeyOf(c)
      await stage.join(c, { key, upFlags: ['--force-reauth'] })
      await c.lockIs('has a new key', ({ NodeKey }) => NodeKey !== null && NodeKey !== before)
      await allUnderLock([a, b, c], 2)
      await pongBothWays(b, c)
    },
  )

const reInit = (parts: readonly Part[]): Scenario =>
  scenario(`order/f: disable and init again while ${parts[2]} is away`, parts, async (stage) => {
    const [a, b, c] = await abc(stage, parts)
    const [secret = ''] = await lockOn([a])
    const first = await allUnderLock([a, b, c], 1)
    await c.stop('SIGTERM')
    await a.ok(['lock', 'disable', secret])
    await nobodyUnderLock([a, b])
    await lockOn([b, a])
    await allUnderLock([a, b], 2, 1)
    await back(c)
    assert.notEqual(await allUnderLock([a, b, c], 2), first)
    await pongBothWays(b, c)
    await pongBothWays(a, c)
  })

const disabledWhileAway = (parts: readonly Part[]): Scenario =>
  scenario(`order/f: disable while ${parts[2]} is away`, parts, async (stage) => {
    const [a, b, c] = await abc(stage, parts)
    const [secret = ''] = await lockOn([a])
    await allUnderLock([a, b, c], 1)
    await c.stop('SIGTERM')
    await a.ok(['lock', 'disable', secret])
    await nobodyUnderLock([a, b])
    // Nobody signs it: the lock is off.
    const d = await stage.joined('new', 'd')
    await back(c)
    await nobodyUnderLock([a, b, c, d])
    await pongBothWays(c, d)
  })

const racing = (one: Part, two: Part): Scenario =>
  scenario(
    `order/j: ${one} and ${two} add keys at once`,
    [one, two, 'new', 'new'],
    async (stage) => {
      const [a, b, c, d] = await tailnet(stage, [one, two, 'new', 'new'])
      if (a === undefined || b === undefined || c === undefined || d === undefined) {
        throw new Error('Too few parts')
      }
      await lockOn([a, b])
      await allUnderLock([a, b, c, d], 2)
      const tasks = [
        [a, await lockKeyOf(c)],
        [b, await lockKeyOf(d)],
      ] as const
      const first = await Promise.all(tasks.map(([by, key]) => by.cli(['lock', 'add', key])))
      const lost = tasks.filter((_, index) => first[index]?.status !== 0)
      assert.ok(lost.length < 2, 'one of them comes first')
      for (const [by, key] of lost) {
        const said = first[tasks.findIndex(([other]) => other === by)]
        assert.match(`${said?.stdout}${said?.stderr}`, /try again|retry/i)
        await by.lockIs('has what the other did', ({ TrustedKeys }) => TrustedKeys?.length === 3)
        await by.ok(['lock', 'add', key])
      }
      stage.note(lost.length === 0 ? 'both came through' : 'one was told to try again, and did')
      await allUnderLock([a, b, c, d], 4)
    },
  )

const strangerReturns = scenario(
  'order/locked-out node stays out through restarts of all',
  ['new', 'old', 'new'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new', 'old'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([a])
    await allUnderLock([a, b], 1)
    const c = await stage.joined('new', 'c')
    await b.lockIs('refuses c', ({ FilteredPeers }) => FilteredPeers?.length === 1)
    await stage.stopServer('SIGKILL')
    await b.stop('SIGKILL')
    await c.stop('SIGKILL')
    await stage.serve()
    await back(c)
    await back(b)
    await b.lockIs('refuses c', ({ FilteredPeers }) => FilteredPeers?.length === 1, 60_000)
    await isSilent(b, await ipOf(c))
  },
)

/** More than two checkpoints apart. */
const SHORT_SLEEP = { missed: 120, atOnce: 1 }
/** Near to the longest chain that new official clients open: 2000. */
const LONG_SLEEP = { missed: 1_800, atOnce: 450 }

const sleeper = (part: Part, { missed, atOnce } = SHORT_SLEEP): Scenario =>
  scenario(
    `order/${part} slept through ${missed} updates`,
    ['new', part],
    async (stage) => {
      const [a, b] = await tailnet(stage, ['new', part])
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      await allUnderLock([a, b], 1)
      await b.stop('SIGTERM')
      const keys = Array.from({ length: atOnce }, () => {
        return { Kind: 1, Votes: 1, Public: new Uint8Array(randomBytes(32)), Meta: null }
      })
      const began = performance.now()
      for (let done = 0; done < missed; done += atOnce) {
        const areThere = (done / atOnce) % 2 === 1
        await a.local.lock.modify({
          AddKeys: areThere ? [] : keys,
          RemoveKeys: areThere ? keys : [],
        })
        await a.lockIs('has its own change', ({ TrustedKeys }) => {
          return TrustedKeys?.length === (areThere ? 1 : 1 + atOnce)
        })
      }
      const ms = (performance.now() - began) / missed
      const { updates } = await stage.admin.lock()
      assert.ok(updates > missed)
      stage.note(`${updates} updates, ${ms.toFixed(1)} ms for each, there and back`)
      const woke = performance.now()
      await back(b)
      await allUnderLock([a, b], 1)
      stage.note(`healed ${((performance.now() - woke) / 1000).toFixed(1)} s after it woke`)
      await pongBothWays(a, b)
    },
    { deadlineMs: 240_000 },
  )

const removedWrapper = scenario(
  'order/e: auth key whose trusted key was removed',
  ['new', 'old', 'new'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new', 'old'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([a])
    await allUnderLock([a, b], 1)
    const key = (await a.ok(['lock', 'sign', await stage.key()])).trim()
    await allUnderLock([a, b], 2)
    const { TrustedKeys } = await a.local.lock.status()
    const wrapper = TrustedKeys?.find(({ Metadata }) => Metadata?.['purpose'] === 'pre-auth key')
    assert.ok(wrapper)
    await a.ok(['lock', 'remove', wrapper.Key.replace('nlpub:', 'tlpub:')])
    await allUnderLock([a, b], 1)
    // It may join, as anybody who has the auth key, and is locked out.
    const c = await stage.joined('new', 'c', { key })
    await c.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
    await isSilent(b, await ipOf(c))
    await a.ok(['lock', 'sign', await nodeKeyOf(c), await lockKeyOf(c)])
    await allUnderLock([a, b, c], 1)
  },
)

/** The rows. */
export const order: readonly Scenario[] = [
  initWhileAway(PARTS),
  initWhileAway(['signet', 'new', 'old']),
  initWhileAway(['old', 'signet', 'new']),
  addAndSign(PARTS),
  addAndSign(['old', 'new', 'signet']),
  addAndSign(['new', 'signet', 'old']),
  removeWhileAway(PARTS),
  removeWhileAway(['signet', 'old', 'new']),
  removeWhileAway(['signet', 'new', 'old']),
  rotation('new'),
  rotation('old'),
  rotation('signet'),
  rotationByLogin,
  expiredUnderLock('new'),
  expiredUnderLock('old'),
  expiredUnderLock('signet'),
  wrapped('new', 'old'),
  wrapped('old', 'new'),
  wrapped('new', 'signet'),
  wrapped('signet', 'new'),
  reInit(PARTS),
  reInit(['old', 'signet', 'new']),
  reInit(['signet', 'new', 'old']),
  disabledWhileAway(PARTS),
  disabledWhileAway(['old', 'signet', 'new']),
  disabledWhileAway(['signet', 'new', 'old']),
  racing('new', 'new'),
  racing('old', 'signet'),
  strangerReturns,
  removedWrapper,
  sleeper('new'),
  sleeper('old'),
  sleeper('signet'),
  sleeper('new', LONG_SLEEP),
  sleeper('old', LONG_SLEEP),
  sleeper('signet', LONG_SLEEP),
]
