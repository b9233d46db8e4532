// SPDX-License-Identifier: Apache-2.0

/**
 * `signet ping`.
 *
 * @module
 */

import {
  PingKind,
  type LocalClient,
  type LockPeerStatus,
  type NodeStatus,
  type PingResult,
} from '@signet/protocol/local-api'
import type { CommandContext, FlagValues } from '../command.ts'
import { latencyText, parseDuration } from '../duration.ts'
import { CliError } from '../errors.ts'
import { findAddress, requireRunning } from '../peers.ts'

/** Runs `ping`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  const [target] = args
  if (target === undefined || target === '' || args.length !== 1) {
    throw new CliError('usage', 'usage: signet ping <hostname-or-IP>')
  }
  const status = await local.status()
  requireRunning(status)
  const { ip, self } = await locate(status, target, local)
  if (self) {
    io.out(`${ip} is local Tailscale IP\n`)
    return
  }
  if (flags.switch('verbose') && ip !== target) io.err(`lookup "${target}" => "${ip}"\n`)
  const kind = pingKind(flags)
  const timeout = parseDuration(flags.text('timeout'), 'timeout')
  const count = flags.number('c')
  let answered = false
  for (let n = 1; ; n += 1) {
    const result = await within(timeout, local.ping(ip, kind))
    if (result === 'late' || /timeout|timed out/i.test(result.Err)) {
      io.out(`ping "${ip}" timed out\n`)
      if (n !== count) continue
      if (!answered) throw await noReply(ip, local)
      return
    }
    if (result.Err !== '') {
      if (result.IsLocalIP === true) {
        io.out(`${result.Err}\n`)
        return
      }
      throw await failed(result.Err, ip, local)
    }
    answered = true
    io.out(flags.switch('json') ? `${JSON.stringify(result)}\n` : pongText(result, kind))
    if (kind !== PingKind.Disco || (result.Endpoint !== '' && flags.switch('until-direct'))) return
    if (n === count) {
      if (flags.switch('until-direct'))
        throw new CliError('failed', 'direct connection not established')
      return
    }
    await io.sleep(1000)
  }
}

function pingKind(flags: FlagValues): PingKind {
  if (flags.switch('tsmp')) return PingKind.Tsmp
  return flags.switch('icmp') ? PingKind.Icmp : PingKind.Disco
}

function pongText(result: PingResult, kind: PingKind): string {
  const via =
    result.PeerRelay !== ''
      ? `peer-relay(${result.PeerRelay})`
      : result.DERPRegionID !== 0
        ? `DERP(${result.DERPRegionCode})`
        : result.Endpoint || kind
  const port = result.PeerAPIPort === undefined ? '' : `, ${result.PeerAPIPort}`
  return `pong from ${result.NodeName} (${result.NodeIP}${port}) via ${via} in ${latencyText(result.LatencySeconds)}\n`
}

/** Finds the address, also of a node that the lock keeps out, so that the refusal can be told. */
async function locate(
  status: NodeStatus,
  target: string,
  local: LocalClient,
): Promise<{ readonly ip: string; readonly self: boolean }> {
  try {
    return findAddress(status, target)
  } catch (error) {
    const refused = await refusedPeer(local, (peer) => {
      const name = peer.Name.replace(/\.$/, '')
      return name === target || name.split('.')[0] === target
    })
    throw refused === undefined ? error : lockedOutPeer(refused)
  }
}

async function refusedPeer(
  local: LocalClient,
  is: (peer: LockPeerStatus) => boolean,
): Promise<LockPeerStatus | undefined> {
  const lock = await local.lock.status()
  return lock.FilteredPeers?.find(is)
}

function lockedOutPeer(peer: LockPeerStatus): CliError {
  const name = peer.Name.replace(/\.$/, '') || peer.StableID
  const reason = peer.ReasonText ?? peer.Reason ?? 'it has no valid signature'
  return new CliError('locked-out', `${name} is locked out by tailnet lock: ${reason}`, {
    hint: 'If it belongs to you, run "signet lock" on it and the command shown there on a signer.',
  })
}

/** Turns a failed ping into the refusal behind it, if the lock is the cause. */
async function failed(reason: string, ip: string, local: LocalClient): Promise<CliError> {
  const refused = await refusedPeer(local, (peer) => peer.TailscaleIPs?.includes(ip) ?? false)
  return refused === undefined ? new CliError('not-reachable', reason) : lockedOutPeer(refused)
}

async function noReply(ip: string, local: LocalClient): Promise<CliError> {
  return failed('no reply', ip, local)
}

async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), milliseconds)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}
