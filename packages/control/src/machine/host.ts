// SPDX-License-Identifier: Apache-2.0

/**
 * What a machine says about itself, in registrations and map requests, made fit to be stored.
 *
 * @module
 */

import { encodeJson, hostinfo as hostinfoCodec } from '@signet/protocol'
import type { Hostinfo } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import { MAX_CLIENT_INT, MAX_HOSTINFO_BYTES } from '../limits.ts'
import type { NodeRow } from '../store/rows.ts'
import { homeRelayOf, hostnameOf, parseHostinfo } from '../tailnet/hostinfo.ts'
import { freeLabel, labelFrom } from '../tailnet/names.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'

/** The columns that host information fills. */
export type HostDescription = Pick<NodeRow, 'hostinfo' | 'hostname' | 'homeRelay'>

/**
 * Describes the host. What is absent is kept from before; so are network measurements, which clients leave out
 * when they have none yet.
 *
 * @throws ControlError 'too-large', 'bad-request'
 */
export function describeHost(info: Hostinfo | null, before: NodeRow | null): HostDescription {
  if (info === null) {
    return before === null
      ? { hostinfo: '{}', hostname: '', homeRelay: 0 }
      : { hostinfo: before.hostinfo, hostname: before.hostname, homeRelay: before.homeRelay }
  }
  if (Math.abs(info.Location?.Priority ?? 0) > MAX_CLIENT_INT) {
    throw new ControlError('bad-request', 'The priority of the location is too large')
  }
  const text = encodeJson(hostinfoCodec, withMeasurements(info, before))
  if (text.length > MAX_HOSTINFO_BYTES) {
    throw new ControlError('too-large', `The host information exceeds ${MAX_HOSTINFO_BYTES} bytes`)
  }
  if (text === before?.hostinfo) {
    return { hostinfo: before.hostinfo, hostname: before.hostname, homeRelay: before.homeRelay }
  }
  const parsed = parseHostinfo(text)
  // A client that finds no relay keeps the one that it had: peers could not be told otherwise, short of taking
  // the node away from them first.
  const homeRelay = homeRelayOf(parsed) || (before?.homeRelay ?? 0)
  return { hostinfo: text, hostname: hostnameOf(parsed), homeRelay }
}

function withMeasurements(info: Hostinfo, before: NodeRow | null): Hostinfo {
  if (info.NetInfo !== undefined || before === null) return info
  const known = (parseHostinfo(before.hostinfo) as Hostinfo).NetInfo
  return known === undefined ? info : { ...info, NetInfo: known }
}

/** The node's name after its host changed: follows the hostname unless an operator chose it. */
export function nameFor(
  tailnet: Tailnet,
  row: NodeRow,
  host: HostDescription,
): Pick<NodeRow, 'name'> {
  if (row.nameFixed || host.hostname === row.hostname) return { name: row.name }
  const isTaken = (label: string): boolean =>
    tailnet.isNameTaken(label) && tailnet.nodeByName(label)?.row.id !== row.id
  return { name: freeLabel(labelFrom(host.hostname), isTaken) }
}
