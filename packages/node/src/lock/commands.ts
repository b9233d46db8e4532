// SPDX-License-Identifier: Apache-2.0

/**
 * What the owner of this node can do to the lock: sign nodes, change keys, end it. Everything is
 * built and signed on what this node has verified itself; the server only passes it on.
 *
 * @module
 */

import { isSmallOrder } from '@signet/crypto'
import {
  lockPublicFromBytes,
  lockSigner,
  type LockPrivate,
  type LockPublic,
  type LockSigner,
  type NodePublic,
} from '@signet/keys'
import {
  aumHash,
  aumHashText,
  aumKindText,
  aumParent,
  authorizeNodeKey,
  checkDisablement,
  createCredential,
  createUpdateBuilder,
  decodeNodeKeySignature,
  encodeAum,
  indexTrustedKeys,
  keyId,
  parseSignedNodeKey,
  signNodeKey,
  unverifiedAuthorizingKeyId,
  validateDeeplink,
  wrapAuthKey,
  type AumHash,
  type DeeplinkVerdict,
  type Key,
} from '@signet/tka'
import { equalBytes } from '@signet/codec'
import { NodeError, reasonOf } from '../errors.ts'
import type { LockKeeper } from './keeper.ts'
import type { LockRpc } from './lock-rpc.ts'
import type { SecretGuard } from './secret-guard.ts'

/** What commands need. */
export type LockCommandsOptions = {
  readonly keeper: LockKeeper
  readonly rpc: LockRpc
  /** A budget of its own: a server's wrong secrets must not keep the owner from using a right one. */
  readonly guard: SecretGuard
  /** @throws NodeError not-logged-in */
  readonly lockKey: () => LockPrivate
  readonly randomBytes: (length: number) => Uint8Array
}

/** One update as the log shows it. */
export type LogLine = {
  readonly hash: AumHash
  readonly kind: string
  readonly encoded: Uint8Array
}

/** The owner's commands. Every one rejects with a NodeError or TkaError that says what to do. */
export type LockCommands = {
  /** Signs a node key. Without a rotation key the node cannot renew its key by itself. */
  sign(nodeKey: NodePublic, rotationPublic: Uint8Array | null): Promise<void>
  /** Adds and removes trusted keys. */
  modify(add: readonly Key[], remove: readonly Key[]): Promise<void>
  /** Ends the lock on all nodes. */
  disable(secret: Uint8Array): Promise<void>
  /** Leaves the lock on this node only. */
  localDisable(): void
  /** The newest updates first. */
  log(limit: number): readonly LogLine[]
  /** Valid signatures that hang on a key. Those that the server gets wrong are an error. */
  affectedSignatures(key: Uint8Array): Promise<readonly Uint8Array[]>
  /** An auth key with which a new node can sign itself, for as long as `signer` is trusted. */
  wrapAuthKey(authKey: string, signer: LockPrivate): string
  verifyDeeplink(url: string): DeeplinkVerdict
}

/** Creates the commands. */
export function createLockCommands(options: LockCommandsOptions): LockCommands {
  const { keeper, rpc, guard, randomBytes } = options
  return {
    async sign(nodeKey, rotationPublic) {
      const signer = trustedSigner(options)
      await rpc.sign(signNodeKey({ nodeKey, signer, ...rotationOf(rotationPublic) }))
    },

    async modify(add, remove) {
      const signer = trustedSigner(options)
      for (const key of add) requireSafeKey(key)
      const { authority } = keeper.require()
      const builder = createUpdateBuilder(authority, [signer])
      for (const key of add) builder.addKey(key)
      for (const key of remove) builder.removeKey(keyId(key))
      const aums = builder.finish()
      const last = aums.at(-1)
      if (last === undefined) return
      const head = await rpc.syncSend(aumHashText(authority.head), aums.map(encodeAum), true)
      if (head !== aumHashText(aumHash(last))) {
        throw new NodeError(
          'lock-conflict',
          'The lock changed at the server in the meantime, try again',
        )
      }
    },

    async disable(secret) {
      const { authority } = keeper.require()
      const isRight = await guard.matches(authority.head, secret, (given) =>
        checkDisablement(authority.state, given),
      )
      if (!isRight) throw new NodeError('lock-wrong-secret', 'Incorrect disablement secret')
      await rpc.disable(aumHashText(authority.head), secret)
    },

    localDisable() {
      keeper.leave()
    },

    log(limit) {
      const { authority, store } = keeper.require()
      const lines: LogLine[] = []
      let hash: AumHash | null = authority.head
      while (hash !== null && lines.length < limit) {
        const aum = store.get(hash)
        if (aum === undefined) break
        lines.push({ hash, kind: aumKindText(aum.kind), encoded: encodeAum(aum) })
        hash = aumParent(aum)
      }
      return lines
    },

    async affectedSignatures(key) {
      keeper.require()
      const signatures = await rpc.affectedSignatures(key)
      const trusted = indexTrustedKeys(keeper.require().authority.state.keys)
      for (const [index, bytes] of signatures.entries()) {
        try {
          const signature = decodeNodeKeySignature(bytes)
          if (!equalBytes(unverifiedAuthorizingKeyId(signature), key)) {
            throw new NodeError('control-protocol', 'it comes from another key')
          }
          authorizeNodeKey(trusted, parseSignedNodeKey(signature.pubkey), bytes)
        } catch (cause) {
          throw new NodeError(
            'control-protocol',
            `Signature ${index} from the server is not one of this key: ${reasonOf(cause)}`,
            { cause },
          )
        }
      }
      return signatures
    },

    wrapAuthKey(authKey, signer) {
      keeper.require()
      if (authKey === '' || authKey.includes('--TL')) {
        throw new NodeError('bad-argument', 'Expected an auth key that is not wrapped yet')
      }
      return wrapAuthKey(authKey, createCredential(lockSigner(signer), randomBytes(32)))
    },

    verifyDeeplink: (url) => validateDeeplink(keeper.require().authority.state.stateId1, url),
  }
}

/**
 * This node's signer, if its key counts.
 *
 * @throws NodeError lock-off, lock-broken, lock-not-trusted
 */
export function trustedSigner(
  options: Pick<LockCommandsOptions, 'keeper' | 'lockKey'>,
): LockSigner {
  const { authority } = options.keeper.require()
  const signer = lockSigner(options.lockKey())
  if (!indexTrustedKeys(authority.state.keys).has(signer.keyId)) {
    throw new NodeError('lock-not-trusted', 'this node is not trusted by Tailnet Lock')
  }
  return signer
}

/**
 * A key under which anybody can sign must never become a trusted one.
 *
 * @throws NodeError bad-argument
 */
export function requireSafeKey(key: Key): void {
  const id = keyId(key)
  if (id.length !== 32 || isSmallOrder(id)) {
    throw new NodeError('bad-argument', 'Cannot trust this key: it is not a usable Ed25519 key')
  }
}

/** A rotation key of 32 bytes; anything else is a mistake of the caller, except none at all. */
function rotationOf(bytes: Uint8Array | null): { readonly rotationPublic?: LockPublic } {
  if (bytes === null || bytes.length === 0) return {}
  if (bytes.length !== 32) {
    throw new NodeError('bad-argument', 'A rotation key has 32 bytes')
  }
  return { rotationPublic: lockPublicFromBytes(bytes) }
}
