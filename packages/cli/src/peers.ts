// SPDX-License-Identifier: Apache-2.0

/**
 * Finding nodes in a status, and naming them as the official command line does.
 *
 * @module
 */

import type { NodeStatus, PeerStatus } from '@signet/protocol/local-api'
import { BackendState } from '@signet/protocol/local-api'
import { isIP } from 'node:net'
import { CliError } from './errors.ts'

/** Returns the peers in the order of the official status: by name, then by address. */
export function sortedPeers(status: NodeStatus): PeerStatus[] {
  const key = (peer: PeerStatus): string => peer.DNSName || peer.HostName
  return Object.values(status.Peer ?? {}).sort((a, b) => {
    const [x, y] = [key(a), key(b)]
    if (x !== y) return x < y ? -1 : 1
    return (a.TailscaleIPs?.[0] ?? '') < (b.TailscaleIPs?.[0] ?? '') ? -1 : 1
  })
}

/** Returns the name without the tailnet's suffix, or the host name in quotes and brackets. */
export function shortName(status: NodeStatus, peer: PeerStatus): string {
  const name = peer.DNSName.replace(/\.$/, '')
  const suffix = `.${status.MagicDNSSuffix}`
  const base =
    status.MagicDNSSuffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
  return base === '' ? `(${JSON.stringify(hostLabel(peer.HostName))})` : base
}

/** Reduces a host name to what a DNS label may hold. */
function hostLabel(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.(local|localdomain|lan)$/, '')
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
}

/** Returns the owner's login up to the '@', '-' for nobody. */
export function ownerLogin(status: NodeStatus, peer: PeerStatus): string {
  if (peer.UserID === 0) return '-'
  const login = status.User?.[String(peer.UserID)]?.LoginName
  if (login === undefined) return String(peer.UserID)
  const at = login.indexOf('@')
  return at === -1 ? login : login.slice(0, at + 1)
}

/** What a name or address on the command line stands for. */
export interface FoundAddress {
  readonly ip: string
  readonly self: boolean
}

/** Finds the address of a name in the status. An address stands for itself. @throws CliError bad-input */
export function findAddress(status: NodeStatus, nameOrIp: string): FoundAddress {
  if (isIP(nameOrIp) !== 0) return { ip: nameOrIp, self: false }
  const wanted = nameOrIp.toLowerCase()
  const matches = (peer: PeerStatus): boolean =>
    shortName(status, peer).toLowerCase() === wanted ||
    peer.DNSName.toLowerCase() === wanted ||
    peer.DNSName.replace(/\.$/, '').toLowerCase() === wanted
  const peer = sortedPeers(status).find(matches)
  if (peer !== undefined) {
    const ip = peer.TailscaleIPs?.[0]
    if (ip === undefined) throw new CliError('failed', 'node found but lacks an IP')
    return { ip, self: false }
  }
  const own = status.Self?.TailscaleIPs?.[0]
  if (status.Self !== null && own !== undefined && matches(status.Self))
    return { ip: own, self: true }
  throw new CliError('bad-input', `no node is called "${nameOrIp}"`, {
    hint: 'Run "signet status" to see the names.',
  })
}

/** Returns the node, peer or self, that has an address. */
export function peerWithAddress(status: NodeStatus, ip: string): PeerStatus | undefined {
  const has = (peer: PeerStatus): boolean => peer.TailscaleIPs?.includes(ip) ?? false
  return (
    Object.values(status.Peer ?? {}).find(has) ??
    (status.Self !== null && has(status.Self) ? status.Self : undefined)
  )
}

/** Throws unless the node runs. @throws CliError not-running */
export function requireRunning(status: NodeStatus): void {
  switch (status.BackendState) {
    case BackendState.Running:
    case BackendState.Starting:
      return
    case BackendState.Stopped:
      throw new CliError('not-running', 'Signet is stopped.', {
        hint: 'Run "signet up" to connect.',
      })
    case BackendState.NeedsLogin:
      throw new CliError(
        'not-running',
        status.AuthURL === '' ? 'Logged out.' : `Logged out.\nLog in at: ${status.AuthURL}`,
      )
    case BackendState.NeedsMachineAuth:
      throw new CliError('not-running', 'Machine is not yet approved by tailnet admin.')
    default:
      throw new CliError('not-running', `unexpected state: ${status.BackendState}`)
  }
}
