// SPDX-License-Identifier: Apache-2.0

/**
 * The node: control client, gate, tunnel, local API.
 *
 * @module
 */

// Starting a node
export { startNode } from './start-node.ts'
export { socketPathOf, type NodeOptions } from './node-options.ts'
export type { NodeLock, SignetNode } from './signet-node.ts'

// What passes the gate, and what does not
export type { AdmittedPeer } from './lock/gate.ts'
export { refusalText, type RefusalReason } from './lock/refusal.ts'
export type { LockCommands, LogLine } from './lock/commands.ts'
export type { InitRequest } from './lock/init.ts'
export type { LockRecovery } from './lock/recovery.ts'

// Data plane
export type { PingKind } from './tunnel/pinger.ts'
export type { PingResult } from './tunnel/tunnel.ts'

// Surroundings
export { systemClock, type Clock } from './clock.ts'
export { silentLog, type NodeLog } from './log.ts'
export type { ControlCall, ControlConnection, ControlReply, DialControl } from './control/link.ts'
export type { DialerOptions } from './control/dial.ts'

// Errors
export { NodeError, type NodeErrorCode } from './errors.ts'
