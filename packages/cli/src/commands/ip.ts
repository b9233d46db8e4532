// SPDX-License-Identifier: Apache-2.0

/**
 * `signet ip`.
 *
 * @module
 */

import { isIPv4 } from 'node:net'
import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'
import { findAddress, peerWithAddress } from '../peers.ts'

/** Runs `ip`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 1) throw new CliError('usage', 'too many arguments, expected at most one peer')
  const [only1, only4, only6] = [flags.switch('1'), flags.switch('4'), flags.switch('6')]
  if ([only1, only4, only6].filter(Boolean).length > 1) {
    throw new CliError('usage', 'signet ip -1, -4, and -6 are mutually exclusive')
  }
  const status = await local.status()
  const own = status.TailscaleIPs ?? []
  const wanted = flags.text('assert')
  if (wanted !== '') {
    if (own.includes(wanted)) return
    throw new CliError(
      'failed',
      `assertion failed: IP "${wanted}" not found among [${own.join(' ')}]`,
    )
  }
  let addresses = own
  const [of] = args
  if (of !== undefined) {
    const { ip } = findAddress(status, of)
    const peer = peerWithAddress(status, ip)
    if (peer === undefined) throw new CliError('failed', `no peer or service found with IP ${ip}`)
    addresses = peer.TailscaleIPs ?? []
  }
  if (addresses.length === 0) {
    throw new CliError('not-running', `no current Tailscale IPs; state: ${status.BackendState}`)
  }
  const shown = addresses
    .slice(0, only1 ? 1 : undefined)
    .filter((address) => (isIPv4(address) ? !only6 : !only4))
  if (shown.length === 0) {
    throw new CliError('failed', `no Tailscale IPv${only4 ? 4 : 6} address`)
  }
  for (const address of shown) io.out(`${address}\n`)
}
