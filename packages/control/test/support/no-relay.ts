// SPDX-License-Identifier: Apache-2.0

/**
 * What the admin API says of a relay that is not there.
 *
 * @module
 */

import type { AdminRelay } from '@signet/protocol/admin-api'
import { relayStatus } from '../../src/relay/status.ts'

/** The status of no relay. */
export function noRelay(): AdminRelay {
  return relayStatus({ server: undefined, stun: undefined, region: null, mesh: [], maps: [] })
}
