// SPDX-License-Identifier: Apache-2.0

/**
 * The record of a machine that joins.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { toBase32 } from '@signet/codec'
import type { MachinePublic } from '@signet/keys'
import type { NodeRow } from '../store/rows.ts'
import { freeLabel, labelFrom } from '../tailnet/names.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { HostDescription } from './host.ts'

/** What whoever let the machine in decided. */
export type Grant = Pick<
  NodeRow,
  | 'userId'
  | 'tags'
  | 'ephemeral'
  | 'preAuthKeyId'
  | 'nodeKey'
  | 'lockKey'
  | 'signature'
  | 'capabilityVersion'
  | 'expiresAt'
>

/** Makes the record, with the next free number, name and addresses. */
export function newNodeRow(
  tailnet: Tailnet,
  machineKey: MachinePublic,
  host: HostDescription,
  grant: Grant,
  now: number,
): NodeRow {
  return {
    id: tailnet.ids.node(),
    tailnetId: tailnet.row.id,
    // Never reused, and says nothing about how many nodes there are.
    stableId: `n${toBase32(randomBytes(10))}`,
    machineKey,
    ...host,
    ...grant,
    name: freeLabel(labelFrom(host.hostname), (label) => tailnet.isNameTaken(label)),
    nameFixed: false,
    ...tailnet.addresses.next(),
    discoKey: null,
    createdAt: now,
    firstMapAt: null,
    lastSeenAt: null,
    endpoints: [],
    endpointTypes: [],
    previousKeys: [],
    reportedHead: '',
    reportedHeadAt: null,
    approvedRoutes: [],
  }
}
