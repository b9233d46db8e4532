// SPDX-License-Identifier: Apache-2.0

/**
 * `lock status` for people, laid out as the official command does.
 *
 * @module
 */

import { zeroLockKey, type LockStatus, type LockTrustedKey } from '@signet/protocol/local-api'
import { nodeKeySignatureText } from '@signet/tka'
import { cliKeyText, signCommand } from './texts.ts'

/** Returns the text of a lock status. `program` is the name in the command to run elsewhere. */
export function lockStatusText(status: LockStatus, program = 'signet'): string {
  const known = status.PublicKey !== zeroLockKey
  return [
    status.Enabled ? 'Tailnet Lock is ENABLED.' : 'Tailnet Lock is NOT enabled.',
    '',
    ...(status.Enabled && status.NodeKey !== null && known ? selfLines(status, program) : []),
    ...(known ? [`This node's tailnet-lock key: ${cliKeyText(status.PublicKey)}`, ''] : []),
    ...(status.Enabled ? trustedLines(status) : []),
    ...(status.Enabled ? filteredLines(status) : []),
    ...detailLines(status),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function selfLines(status: LockStatus, program: string): string[] {
  if (status.NodeKeySigned) {
    const signature = status.NodeKeySignature
    return [
      'This node is accessible under Tailnet Lock. Node signature:',
      signature ? nodeKeySignatureText(signature) : '',
      '',
    ]
  }
  return [
    'This node is LOCKED OUT by Tailnet Lock, and action is required to establish connectivity.',
    'Run the following command on a node with a trusted key:',
    `\t${signCommand(status.NodeKey ?? '', status.PublicKey, program)}`,
    '',
  ]
}

function trustedLines(status: LockStatus): string[] {
  const keys = status.TrustedKeys ?? []
  if (keys.length === 0) return []
  const lines = keys.map((key) =>
    ['', cliKeyText(key.Key), String(key.Votes), keyNote(key, status.PublicKey)].join('\t'),
  )
  return ['Trusted signing keys:', ...lines]
}

function keyNote(key: LockTrustedKey, own: string): string {
  const self = key.Key === own ? '(self)' : ''
  if (key.Metadata?.['purpose'] !== 'pre-auth key') return self
  const id = key.Metadata['authkey_stableid'] ?? ''
  return `${self}${id === '' ? '(pre-auth key)' : `(pre-auth key ${id})`}`
}

function filteredLines(status: LockStatus): string[] {
  const peers = status.FilteredPeers ?? []
  if (peers.length === 0) return []
  return [
    '',
    'The following nodes are locked out by tailnet lock and cannot connect to other nodes:',
    ...peers.map((peer) =>
      [
        '',
        peer.Name,
        (peer.TailscaleIPs ?? []).join(','),
        peer.StableID,
        peer.NodeKey,
        ...(peer.ReasonText === undefined ? [] : [peer.ReasonText]),
      ].join('\t'),
    ),
  ]
}

/** What only Signet nodes report. */
function detailLines(status: LockStatus): string[] {
  const details = status.Signet
  if (details === undefined) return []
  const warnings = [
    ...(details.FailedClosed === ''
      ? []
      : [`this node refuses all peers: ${details.FailedClosed}`]),
    ...(details.Warnings ?? []),
  ]
  return warnings.length === 0
    ? []
    : ['', '# Warnings:', ...warnings.map((text) => `#     - ${text}`)]
}
