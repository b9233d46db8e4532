// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin relay`: how the server's relay is doing.
 *
 * @module
 */

import type { AdminCount, AdminRelay } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { adminClient, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin relay status`. */
export async function status(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const relay = await adminClient(context).relay()
  if (context.flags.switch('json')) {
    printJson(context, relay)
    return
  }
  const { io } = context
  io.out(relay.enabled ? ownRelay(relay) : 'This server is no relay.\n')
  const links = (relay.mesh ?? []).map((link) => [
    link.url,
    link.state,
    String(link.clients),
    String(link.dropped),
    oneLine(link.problem),
  ])
  if (links.length > 0) {
    io.out(`\n${table(['OTHER RELAY', 'STATE', 'CLIENTS', 'DROPPED', 'LAST PROBLEM'], links)}`)
  }
  const maps = (relay.maps ?? []).map((map) => [
    map.source,
    String(map.regions),
    when(map.goodAt),
    oneLine(map.problem),
  ])
  if (maps.length > 0) {
    io.out(`\n${table(['MAP OF RELAYS', 'REGIONS', 'CURRENT AT', 'PROBLEM'], maps)}`)
  }
}

function ownRelay(relay: AdminRelay): string {
  const region = relay.region === null ? 'not in the map: nodes want https://' : relay.region
  const stun = relay.stunPort === null ? 'off' : `port ${relay.stunPort}`
  const rows = [
    ['region', String(region)],
    ['STUN', `${stun}, ${relay.stunAnswered} answered`],
    ['clients', `${relay.clients}, at other relays ${relay.clientsElsewhere}`],
    ['not admitted yet', String(relay.strangers)],
    ['packets', `${relay.packets} (${relay.bytes} bytes)`],
    ['other relays', `${relay.forwarded} packets to, ${relay.fromMesh} from`],
    ['dropped', countsOf(relay.dropped)],
    ['refused', countsOf(relay.refused)],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(18)}${value}\n`).join('')
}

function countsOf(counts: readonly AdminCount[] | null): string {
  const happened = (counts ?? []).filter(({ count }) => count > 0)
  if (happened.length === 0) return '0'
  return happened.map(({ reason, count }) => `${reason} ${count}`).join(', ')
}

function oneLine(text: string | null): string {
  return text === null ? '-' : text.replace(/\s+/g, ' ')
}
