// SPDX-License-Identifier: Apache-2.0

/**
 * Signatures of single nodes: taking one, and finding those that hang on a key which is to be removed.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { lockPublicBytes, lockPublicCliText } from '@signet/keys'
import type {
  TKASignaturesUsingKeyRequest,
  TKASignaturesUsingKeyResponse,
  TKASubmitSignatureRequest,
} from '@signet/protocol'
import { decodeNodeKeySignature, parseSignedNodeKey, SigKind } from '@signet/tka'
import type { NodeKeySignature } from '@signet/tka'
import { ControlError } from '../errors.ts'
import { MAX_REPLY_BYTES, MAX_SIGNATURE_BYTES } from '../limits.ts'
import type { NodeRow } from '../store/rows.ts'
import type { LockContext } from './context.ts'
import { refusalOf, requireActive, requireAdministrator, requireCurrent } from './context.ts'
import { authorizationOf, checkNodeKeySignature, trustedKeysOf } from './signatures.ts'
import type { ActiveLock } from './state.ts'

/** Takes a signature for a node and stores it with the node. */
export function submitSignature(
  context: LockContext,
  node: NodeRow,
  request: TKASubmitSignatureRequest,
): void {
  const { tailnet } = context
  requireCurrent(context, node, 'sign nodes')
  const active = requireActive(context)
  const bytes = request.Signature ?? new Uint8Array()
  const signature = parseSignature(bytes)
  if (signature.sigKind === SigKind.Credential) {
    throw new ControlError('bad-request', 'A credential alone does not sign any node')
  }
  const target = tailnet.nodeByKey(keyOf(signature))
  if (target === undefined) {
    throw new ControlError('not-found', 'No node of this tailnet has the key that was signed')
  }
  try {
    const { rotation } = checkNodeKeySignature(active.authority.state, target.row.nodeKey, bytes)
    for (const key of rotation?.previousNodeKeys ?? []) {
      const other = tailnet.nodeByKey(key)
      if (other !== undefined && other.row.id !== target.row.id) {
        throw new ControlError(
          'conflict',
          'This signature replaces the key of a node that is still in use',
        )
      }
    }
  } catch (error) {
    throw refusalOf(error, `Cannot accept the signature for ${target.row.name}`, {
      'signature-wrapping-key': howToSign(target.row),
    })
  }
  tailnet.write((draft) => draft.putNode({ ...target.row, signature: bytes }))
  context.logger.info({ by: node.id, node: target.row.id }, 'node signed')
}

/** The command that official clients show on the node itself, which people shorten. */
function howToSign({ nodeKey, lockKey }: NodeRow): string {
  return lockKey === null
    ? 'its rotation key is unsafe, and this node has told no lock key; log it in again, then sign it'
    : `its rotation key is missing or unsafe; sign again with both keys: tailscale lock sign ${nodeKey} ${lockPublicCliText(lockKey)}`
}

/** The signatures which are good now and come from one trusted key. */
export function affectedSignatures(
  context: LockContext,
  node: NodeRow,
  request: TKASignaturesUsingKeyRequest,
): TKASignaturesUsingKeyResponse {
  const { tailnet } = context
  const active = requireActive(context)
  if (!isSigner(active, node)) requireAdministrator(context, node, 'change tailnet lock')
  const keyId = request.KeyID ?? new Uint8Array()
  if (keyId.length !== 32) throw new ControlError('bad-request', 'A key id has 32 bytes')
  const signatures: Uint8Array[] = []
  let size = 1 << 10
  for (const { row } of tailnet.nodes.values()) {
    const authorization = authorizationOf(tailnet.lock, row)
    if (authorization === null || row.signature === null) continue
    if (!equalBytes(authorization.authorizingKeyId, keyId)) continue
    signatures.push(row.signature)
    size += Math.ceil(row.signature.length / 3) * 4 + 3
  }
  if (size > MAX_REPLY_BYTES) {
    throw new ControlError(
      'limit',
      `${signatures.length} nodes are signed by ${toHex(keyId)}: too many for clients to re-sign at once; sign them one by one with another key first`,
    )
  }
  return { Signatures: signatures }
}

/** A node whose own lock key is trusted: it can remove others, whoever it belongs to. */
function isSigner({ authority }: ActiveLock, { lockKey }: NodeRow): boolean {
  return lockKey !== null && trustedKeysOf(authority.state).has(lockPublicBytes(lockKey))
}

function parseSignature(bytes: Uint8Array): NodeKeySignature {
  if (bytes.length === 0)
    throw new ControlError('bad-request', 'There is no signature in the request')
  if (bytes.length > MAX_SIGNATURE_BYTES) {
    throw new ControlError('bad-request', `A signature has at most ${MAX_SIGNATURE_BYTES} bytes`)
  }
  try {
    return decodeNodeKeySignature(bytes)
  } catch (cause) {
    throw new ControlError('bad-request', 'This is not a node-key signature', { cause })
  }
}

function keyOf(signature: NodeKeySignature): ReturnType<typeof parseSignedNodeKey> {
  try {
    return parseSignedNodeKey(signature.pubkey)
  } catch (cause) {
    throw new ControlError('bad-request', 'This signature names no node key', { cause })
  }
}
