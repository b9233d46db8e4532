// SPDX-License-Identifier: Apache-2.0

/**
 * What scenarios look at: who can be reached and how, who is under which lock.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { toHex } from '@signet/codec'
import type { LockStatus, PeerStatus } from '@signet/protocol/local-api'
import type { AdminNode } from '@signet/protocol/admin-api'
import { until } from '../support/until.ts'
import type { Member, Stage } from './stage.ts'

const LOOK_EVERY_MS = 100
const WAIT_MS = 30_000

/** Returns a member's IPv4 address. */
export async function ipOf(member: Member): Promise<string> {
  const { Self } = await member.is('has an address', (status) => status.Self?.TailscaleIPs !== null)
  const ip = Self?.TailscaleIPs?.[0]
  if (ip === undefined) throw new Error(`${member.name} has no address`)
  return ip
}

/** Resolves when `from` gets an answer from `to`, by the given way when one is given. */
export async function pongs(
  from: Member,
  to: Member,
  via: 'any' | 'direct' | 'relay' = 'any',
): Promise<string> {
  const ip = await ipOf(to)
  let last = ''
  const wanted = { any: /via \S+/, direct: /via [\d.:[\]a-f]+\b/, relay: /via DERP\(\S+\)/ }[via]
  const said = await until(
    `${from.name} pings ${to.name} (${via})`,
    async () => {
      const words = ['ping', '--c=1', '--timeout=2s', '--until-direct=false', ip]
      const { stdout, stderr } = await from.cli(words)
      last = stdout + stderr
      return last.split('\n').find((line) => line.startsWith('pong') && wanted.test(line))
    },
    { everyMs: LOOK_EVERY_MS, deadlineMs: WAIT_MS, seen: () => last.trim() },
  )
  return said
}

/** Both ways. */
export async function pongBothWays(
  a: Member,
  b: Member,
  via: 'any' | 'direct' | 'relay' = 'any',
): Promise<void> {
  await pongs(a, b, via)
  await pongs(b, a, via)
}

/** Fails if `from` gets an answer from `ip`. */
export async function isSilent(from: Member, ip: string): Promise<void> {
  const words = ['ping', '--c=2', '--timeout=1s', '--until-direct=false', ip]
  const { status, stdout } = await from.cli(words)
  assert.notEqual(status, 0, `${from.name} pinged ${ip}, which must not answer: ${stdout}`)
  assert.doesNotMatch(stdout, /pong/)
}

/** Returns what `from` knows of a peer, undefined when it is not in its map. */
export async function peerOf(from: Member, name: string): Promise<PeerStatus | undefined> {
  const { Peer } = await from.local.status()
  return peersIn(Peer).find((peer) => peer.DNSName.startsWith(`${name}.`))
}

/** Resolves when `from` sees the peer as wanted; `undefined` is a peer that is not there. */
export async function sees(
  from: Member,
  name: string,
  what: string,
  wanted: (peer: PeerStatus | undefined) => boolean,
  ms = WAIT_MS,
): Promise<void> {
  await from.is(
    `${name} ${what}`,
    ({ Peer }) => wanted(peersIn(Peer).find((peer) => peer.DNSName.startsWith(`${name}.`))),
    ms,
  )
}

function peersIn(peers: Readonly<Record<string, PeerStatus>> | null): readonly PeerStatus[] {
  return Object.values(peers ?? {})
}

/** Returns a member's lock key, as commands take it. */
export async function lockKeyOf(member: Member): Promise<string> {
  const { PublicKey } = await member.local.lock.status()
  return PublicKey.replace('nlpub:', 'tlpub:')
}

/** Returns a member's node key. */
export async function nodeKeyOf(member: Member): Promise<string> {
  const { NodeKey } = await member.local.lock.status()
  if (NodeKey === null) throw new Error(`${member.name} has no node key`)
  return NodeKey
}

/** Switches the lock on with the keys of `signers`, the first of which does it. Returns the secrets. */
export async function lockOn(
  signers: readonly [Member, ...Member[]],
  secrets = 1,
): Promise<string[]> {
  const keys = []
  for (const signer of signers) keys.push(await lockKeyOf(signer))
  const words = ['lock', 'init', '--confirm', `--gen-disablements=${secrets}`, ...keys]
  return secretsIn(await signers[0].ok(words))
}

/** Returns the disablement secrets that a command printed. */
export function secretsIn(text: string): string[] {
  return text.match(/disablement-secret:[0-9A-F]{64}/g) ?? []
}

/**
 * Resolves when all of them are under one lock, each has all others as peers, and as many more as are
 * `away`. Returns the head.
 *
 * Who is a peer is asked of a node's status: the list of visible and filtered peers that the official
 * `lock status` shows (1.103) is that of the last whole map, and knows nothing of later changes.
 */
export function allUnderLock(
  members: readonly Member[],
  trusted?: number,
  away = 0,
): Promise<string> {
  let seen: readonly string[] = []
  return until(
    `${members.map(({ name }) => name).join(', ')} are under one lock`,
    async () => {
      const all = await Promise.all(members.map(viewOf))
      const keys = all.map(({ lock }) => lock.NodeKey ?? '')
      seen = all.map((view, index) => `${members[index]?.name}: ${viewText(view)}`)
      const isIn = ({ lock, peers }: View): boolean =>
        lock.Enabled &&
        lock.NodeKeySigned &&
        (trusted === undefined || lock.TrustedKeys?.length === trusted) &&
        peers.size === members.length - 1 + away &&
        keys.every((key) => key === lock.NodeKey || peers.has(key))
      const heads = new Set(all.map(({ lock }) => headText(lock)))
      return all.every(isIn) && heads.size === 1 ? [...heads][0] : undefined
    },
    { everyMs: LOOK_EVERY_MS, deadlineMs: WAIT_MS, seen: () => seen.join(', ') },
  )
}

/** The lock as a member sees it, and the node keys that it has as peers. */
interface View {
  readonly lock: LockStatus
  readonly peers: ReadonlySet<string>
}

async function viewOf(member: Member): Promise<View> {
  const [lock, status] = await Promise.all([member.local.lock.status(), member.local.status()])
  const peers =
    member.make === 'official'
      ? Object.keys(status.Peer ?? {})
      : (lock.VisiblePeers ?? []).map(({ NodeKey }) => NodeKey)
  return { lock, peers: new Set(peers) }
}

function viewText({ lock, peers }: View): string {
  if (!lock.Enabled) return 'off'
  const signed = lock.NodeKeySigned ? 'signed' : 'not signed'
  return `${headText(lock).slice(0, 8)} ${signed} keys=${lock.TrustedKeys?.length} peers=${peers.size}`
}

/** Resolves when none of them is under a lock. */
export async function nobodyUnderLock(members: readonly Member[]): Promise<void> {
  for (const member of members) await member.lockIs('has no lock', ({ Enabled }) => !Enabled)
}

function headText(status: LockStatus): string {
  return status.Head === null ? '' : toHex(status.Head)
}

/** Resolves when the server shows a node as wanted. */
export function onServer(
  stage: Stage,
  name: string,
  what: string,
  wanted: (node: AdminNode) => boolean,
): Promise<AdminNode> {
  return until(
    `the server: ${name} ${what}`,
    async () => (await stage.admin.nodes()).find((node) => node.name === name && wanted(node)),
    { everyMs: LOOK_EVERY_MS, deadlineMs: WAIT_MS },
  )
}
