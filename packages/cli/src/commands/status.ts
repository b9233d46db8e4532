// SPDX-License-Identifier: Apache-2.0

/**
 * `signet status`: the official layout, and below it who the lock keeps out.
 *
 * @module
 */

import {
  encodeNodeStatus,
  isNever,
  ProtocolError,
  type LocalClient,
  type LockStatus,
  type NodeStatus,
  type PeerStatus,
} from '@signet/protocol/local-api'
import type { CommandContext } from '../command.ts'
import { columns } from '../columns.ts'
import { cliErrors, CliError } from '../errors.ts'
import { indentJson } from '../indent-json.ts'
import { isLockedOut, lockedOutError } from '../locked-out.ts'
import { ownerLogin, requireRunning, shortName, sortedPeers } from '../peers.ts'

/** Runs `status`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<number> {
  if (args.length > 0) {
    throw new CliError('usage', "unexpected non-flag arguments to 'signet status'")
  }
  const peers = flags.switch('peers')
  const [whole, lock] = await Promise.all([local.status({ peers }), lockStatus(local)])
  const status = flags.switch('active') ? onlyActive(whole) : whole
  if (flags.switch('json')) {
    io.out(indentJson(encodeNodeStatus(status), '  '))
    return isLockedOut(lock) ? cliErrors['locked-out'].exit : 0
  }
  if (status.Health?.length && /^(Starting|NoState)$/.test(status.BackendState)) {
    io.out(`${healthText(status)}\n`)
  }
  requireRunning(status)
  io.out(
    statusText(status, {
      header: flags.switch('header'),
      self: flags.switch('self'),
      now: io.now(),
    }),
  )
  io.out(refusedText(lock))
  if (isLockedOut(lock)) throw lockedOutError(lock)
  return 0
}

/** The lock, or a lock that is off when the daemon does not know the call. */
async function lockStatus(local: LocalClient): Promise<LockStatus> {
  try {
    return await local.lock.status()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const { lockStatusOf } = await import('@signet/protocol/local-api')
    return lockStatusOf({})
  }
}

function onlyActive(status: NodeStatus): NodeStatus {
  const active = Object.entries(status.Peer ?? {}).filter(([, peer]) => peer.Active)
  return { ...status, Peer: Object.fromEntries(active) }
}

/** What `signet status` shows of a status. */
export interface StatusTextOptions {
  readonly header?: boolean
  readonly self?: boolean
  /** Milliseconds since 1970, for "last seen". */
  readonly now: number
}

/** Returns the official text of a status. */
export function statusText(status: NodeStatus, options: StatusTextOptions): string {
  const shown = [
    ...(options.self !== false && status.Self !== null ? [status.Self] : []),
    ...sortedPeers(status).filter((peer) => peer.ShareeNode !== true),
  ]
  const heading = [
    ['IP', 'Hostname', 'Owner', 'OS', 'Status'],
    ['--', '--------', '-----', '--', '------'],
  ]
  const rows = shown.map((peer) => [
    peer.TailscaleIPs?.[0] ?? '',
    shortName(status, peer),
    ownerLogin(status, peer),
    peer.OS,
    activity(peer, options.now),
  ])
  const lines = columns(options.header === true ? [...heading, ...rows] : rows)
  return status.Health?.length ? `${lines}\n${healthText(status)}` : lines
}

function healthText(status: NodeStatus): string {
  const problems = (status.Health ?? []).map((problem) => `#     - ${problem}\n`)
  return `# Health check:\n${problems.join('')}`
}

function activity(peer: PeerStatus, now: number): string {
  const traffic = peer.TxBytes !== 0 || peer.RxBytes !== 0
  const bytes = traffic ? `, tx ${peer.TxBytes} rx ${peer.RxBytes}` : ''
  const offline = peer.Online ? '' : `offline${lastSeen(peer, now)}`
  const andOffline = offline === '' ? '' : `; ${offline}`
  if (!peer.Active) {
    if (peer.ExitNode) return `idle; exit node${andOffline}${bytes}`
    if (peer.ExitNodeOption) return `idle; offers exit node${andOffline}${bytes}`
    if (traffic) return `idle${andOffline}${bytes}`
    return offline === '' ? '-' : offline
  }
  const exit = peer.ExitNode ? 'exit node; ' : peer.ExitNodeOption ? 'offers exit node; ' : ''
  return `active; ${exit}${path(peer)}${andOffline}${bytes}`
}

function path(peer: PeerStatus): string {
  if (peer.CurAddr !== '') return `direct ${peer.CurAddr}`
  if (peer.PeerRelay !== '') return `peer-relay ${peer.PeerRelay}`
  return peer.Relay === '' ? '' : `relay ${JSON.stringify(peer.Relay)}`
}

function lastSeen(peer: PeerStatus, now: number): string {
  if (isNever(peer.LastSeen)) return ''
  const minutes = Math.max(1, Math.floor((now - Date.parse(peer.LastSeen)) / 60_000))
  if (minutes < 60) return `, last seen ${minutes}m ago`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `, last seen ${hours}h ago` : `, last seen ${Math.floor(hours / 24)}d ago`
}

/** Returns the peers that the lock refuses, each with the reason; '' when there are none. */
export function refusedText(lock: LockStatus): string {
  const refused = lock.FilteredPeers ?? []
  const warnings = lock.Signet?.Warnings ?? []
  const lines = refused.map((peer) => {
    const name = peer.Name.replace(/\.$/, '') || peer.StableID
    const address = peer.TailscaleIPs?.[0] ?? '-'
    return `#     - ${name} ${address} ${peer.NodeKey}: ${peer.ReasonText ?? peer.Reason ?? 'no valid signature'}\n`
  })
  return [
    ...(lines.length === 0 ? [] : ['\n# Locked out by tailnet lock:\n', ...lines]),
    ...(warnings.length === 0
      ? []
      : ['\n# Lock warnings:\n', ...warnings.map((warning) => `#     - ${warning}\n`)]),
  ].join('')
}
