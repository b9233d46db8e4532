// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock sign`: nodes, or a pre-auth key.
 *
 * Without a rotation key the request carries none. (The official command sends 32 zero bytes, a
 * point under which anybody can forge a rotation.)
 *
 * @module
 */

import { lockPublicBytes, parseLockPublic, parseNodePublic } from '@signet/keys'
import {
  ProtocolError,
  type LockPeerStatus,
  type LockSignRequest,
} from '@signet/protocol/local-api'
import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { CliError, reasonOf } from '../../errors.ts'
import { readSecret } from '../../secret-argument.ts'
import { wrapAuthKey } from './wrap-auth-key.ts'

const notTrusted = 'this node is not trusted by Tailnet Lock'

/** Runs `lock sign`. */
export async function run(context: CommandContext): Promise<void> {
  const { io, flags } = context
  const args: string[] = []
  for (const arg of context.args) args.push(await readSecret(arg, 'the key to sign', io))
  if (flags.switch('all-pending')) {
    if (args.length > 0) {
      throw new CliError('usage', 'signet lock sign: --all-pending takes no keys')
    }
    await signPending(context)
    return
  }
  if (args[0]?.startsWith('tskey-auth-')) {
    await wrapAuthKey(context, args)
    return
  }
  const requests = parseSignRequests(args)
  await signEach(context, requests)
  if (flags.switch('json')) io.out(signedJson(requests))
}

/** Reads `NODE-KEY [ROTATION-KEY]` once or several times. @throws CliError usage, bad-input */
export function parseSignRequests(args: readonly string[]): LockSignRequest[] {
  if (args.length === 0) {
    throw new CliError('usage', 'usage: signet lock sign <node-key> [<rotation-key>]')
  }
  const requests: { NodeKey: string; RotationPublic: Uint8Array | null }[] = []
  for (const arg of args) {
    const last = requests.at(-1)
    if (last !== undefined && /^(tl|nl)pub:/.test(arg)) {
      if (last.RotationPublic !== null) {
        throw new CliError('usage', `signet lock sign: two rotation keys after ${last.NodeKey}`)
      }
      last.RotationPublic = decode('rotation-key', () => lockPublicBytes(parseLockPublic(arg)))
    } else {
      requests.push({
        NodeKey: decode('node-key', () => parseNodePublic(arg)),
        RotationPublic: null,
      })
    }
  }
  return requests
}

function decode<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new CliError('bad-input', `decoding ${what}: ${reasonOf(cause)}`, { cause })
  }
}

async function signEach(
  { io, local }: CommandContext,
  requests: readonly LockSignRequest[],
): Promise<void> {
  for (const [index, request] of requests.entries()) {
    try {
      await local.lock.sign(request)
    } catch (error) {
      if (error instanceof ProtocolError && error.message.includes(notTrusted)) {
        io.err(
          'Error: Signing is not available on this device because it does not have a trusted tailnet lock key.\n\nTry again on a signing device instead. Tailnet admins can see signing devices on the admin panel.\n\n',
        )
      }
      if (index > 0)
        io.err(`${index} of ${requests.length} nodes were signed before this failed.\n`)
      throw error
    }
  }
}

function signedJson(requests: readonly LockSignRequest[]): string {
  return `${JSON.stringify({ Signed: requests.map((request) => request.NodeKey) }, null, 2)}\n`
}

async function signPending(context: CommandContext): Promise<void> {
  const { io, flags, local } = context
  const status = await local.lock.status()
  if (!status.Enabled) throw new CliError('failed', 'tailnet lock is not enabled')
  const { pending, left } = pendingOf(status.FilteredPeers ?? [])
  const json = flags.switch('json')
  const show = json ? io.err : io.out
  for (const peer of left) {
    show(
      `Left out: ${nameOf(peer)} (${peer.ReasonText ?? peer.Reason ?? ''}); sign it by its key if you are sure.\n`,
    )
  }
  if (pending.length === 0) {
    show('No node waits for a signature.\n')
    if (json) io.out(signedJson([]))
    return
  }
  show(
    `${pending.length} node${pending.length === 1 ? '' : 's'} to sign, as the server names them:\n`,
  )
  show(
    table(
      ['NAME', 'ADDRESSES', 'NODE KEY'],
      pending.map((peer) => [nameOf(peer), (peer.TailscaleIPs ?? []).join(','), peer.NodeKey]),
    ),
  )
  if (!flags.switch('yes')) {
    if (!io.interactive) {
      throw new CliError('usage', 'signet lock sign: nothing signed without a confirmation', {
        hint: 'Compare the node keys with what "signet lock" shows on each node, then run again with --yes.',
      })
    }
    const answer = await io.ask('Sign all of them? [y/n] ')
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('declined', 'Nothing signed')
  }
  const requests = pending.map((peer) => ({ NodeKey: peer.NodeKey, RotationPublic: null }))
  await signEach(context, requests)
  if (json) io.out(signedJson(requests))
  else io.out(`Signed ${requests.length}. Each needs a new signature when its node key changes.\n`)
}

/**
 * Parts the refused peers into those that merely lack a signature and those that were refused for
 * another cause: a replayed or forged signature is no request for one.
 */
function pendingOf(peers: readonly LockPeerStatus[]): {
  readonly pending: readonly LockPeerStatus[]
  readonly left: readonly LockPeerStatus[]
} {
  const waits = (peer: LockPeerStatus): boolean =>
    peer.Reason === undefined
      ? peer.NodeKeySignature.sigKind === 0
      : peer.Reason === 'unsigned' || peer.Reason === 'missing-signature'
  return { pending: peers.filter(waits), left: peers.filter((peer) => !waits(peer)) }
}

function nameOf(peer: LockPeerStatus): string {
  return peer.Name.replace(/\.$/, '')
}
