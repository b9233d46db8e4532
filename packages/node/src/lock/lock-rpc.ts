// SPDX-License-Identifier: Apache-2.0

/**
 * What the lock asks of the server: eight calls, as plain functions over plain data, so that the
 * lock can be tested against a server that lies in every way without a network between them.
 *
 * @module
 */

import type { TKASignInfo } from '@signet/protocol'
import type { SyncOfferText } from '@signet/tka'

/** The server's side of the lock. Nothing it returns is verified. Every call may reject. */
export type LockRpc = {
  /** `head` is our head, '' when we have no authority. */
  bootstrap(head: string): Promise<{
    readonly genesis: Uint8Array | null
    readonly disablementSecret: Uint8Array | null
  }>
  syncOffer(offer: SyncOfferText): Promise<{
    readonly offer: SyncOfferText
    readonly missing: readonly Uint8Array[]
  }>
  /** Returns the server's head afterwards. */
  syncSend(head: string, updates: readonly Uint8Array[], interactive: boolean): Promise<string>
  initBegin(genesis: Uint8Array): Promise<readonly TKASignInfo[]>
  initFinish(
    signatures: ReadonlyMap<number, Uint8Array>,
    supportDisablement: Uint8Array | null,
  ): Promise<void>
  disable(head: string, secret: Uint8Array): Promise<void>
  sign(signature: Uint8Array): Promise<void>
  affectedSignatures(keyId: Uint8Array): Promise<readonly Uint8Array[]>
}
