// SPDX-License-Identifier: Apache-2.0

/**
 * WireGuard, sans-I/O: handshake, transport, timers, cryptokey routing. {@link createDevice} is the
 * whole of it; the rest is about inner addresses.
 *
 * @module
 */

// The device
export { createDevice } from './device.ts'
export type { Device, DeviceEffects, DeviceOptions, PeerConfig } from './device.ts'
export type { PeerStatus } from './peer.ts'
export { WireguardError } from './wireguard-error.ts'
export type { WireguardErrorCode } from './wireguard-error.ts'

// Inner addresses and packets
export { AllowedIps } from './allowed-ips.ts'
export { innerPacketLength } from './inner-packet.ts'
export { formatIp, formatPrefix, parseIp, parsePrefix } from './ip.ts'
export type { IpPrefix } from './ip.ts'
