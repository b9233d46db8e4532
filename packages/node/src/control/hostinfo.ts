// SPDX-License-Identifier: Apache-2.0

/**
 * What this node tells about its host: what the protocol needs, and no more.
 *
 * @module
 */

import { hostname as systemHostname } from 'node:os'
import { sha256 } from '@signet/crypto'
import { encodeUtf8, toHex } from '@signet/codec'
import type { MachinePublic } from '@signet/keys'
import type { Hostinfo, NetInfo } from '@signet/protocol'
import type { Prefs } from '@signet/protocol/local-api'

/** The capability version that this node speaks. */
export const capabilityVersion = 145

/** The version that this node shows to servers and programs. */
export const nodeVersion = '0.1.0-signet'

/** Returns the host's description; `network` is what it found out about its network. */
export function describeHost(machine: MachinePublic, prefs: Prefs, network: NetInfo): Hostinfo {
  return {
    IPNVersion: nodeVersion,
    // Servers require it to be there; this one says nothing that they do not know.
    BackendLogID: toHex(sha256(encodeUtf8(`log ${machine}`))),
    OS: process.platform === 'darwin' ? 'macOS' : process.platform,
    Hostname: prefs.Hostname === '' ? systemHostname() : prefs.Hostname,
    GoArch: process.arch === 'x64' ? 'amd64' : process.arch,
    ...(prefs.AdvertiseRoutes && { RoutableIPs: prefs.AdvertiseRoutes }),
    ...(prefs.AdvertiseTags && { RequestTags: prefs.AdvertiseTags }),
    ...(prefs.ShieldsUp && { ShieldsUp: true }),
    NetInfo: network,
    Userspace: true,
  }
}
