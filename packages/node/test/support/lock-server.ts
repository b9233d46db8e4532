// SPDX-License-Identifier: Apache-2.0

/**
 * The server's side of the lock, in the process: honest unless a test edits what it says.
 *
 * @module
 */

import {
  aumHashText,
  bootstrapAuthority,
  createMemoryStore,
  createUpdateBuilder,
  decodeAum,
  encodeAum,
  informAuthority,
  missingAums,
  parseSyncOffer,
  syncIntersection,
  syncOffer,
  syncOfferText,
  type Aum,
  type AumStore,
  type Authority,
  type UpdateBuilder,
  type VerifiedAum,
} from '@signet/tka'
import type { LockRpc } from '../../src/lock/lock-rpc.ts'
import type { TestSigner } from './lock-fixture.ts'

export type LockServer = {
  readonly rpc: LockRpc
  /** Replaces what the server answers. Each is asked before the honest answer is given. */
  readonly lies: { -readonly [K in keyof LockRpc]?: LockRpc[K] }
  /** Names of the calls so far. */
  readonly calls: string[]
  /** Updates that nodes have sent. */
  readonly received: Aum[]
  head(): string
  authority(): Authority
  store(): AumStore
  /** Changes the lock as a trusted node would. */
  change(by: TestSigner, edit: (builder: UpdateBuilder) => void): readonly Aum[]
  /** Takes updates from anywhere. */
  take(aums: readonly Aum[]): void
}

export function createLockServer(
  genesis: VerifiedAum,
  secret: Uint8Array | null = null,
): LockServer {
  const store = createMemoryStore({ now: () => 0 })
  let authority = bootstrapAuthority(store, genesis)
  const calls: string[] = []
  const received: Aum[] = []
  const lies: LockServer['lies'] = {}
  const take = (aums: readonly Aum[]): void => {
    authority = informAuthority(authority, store, aums)
  }
  const honest: LockRpc = {
    bootstrap: (head) =>
      Promise.resolve({
        genesis: head === '' ? encodeAum(genesis) : null,
        disablementSecret: head === '' ? null : secret,
      }),
    syncOffer(text) {
      const offer = parseSyncOffer(text)
      const meeting = syncIntersection(authority, store, offer)
      return Promise.resolve({
        offer: syncOfferText(syncOffer(authority)),
        missing:
          meeting.kind === 'none'
            ? []
            : missingAums(authority, store, offer).map((a) => encodeAum(a)),
      })
    },
    syncSend(_head, updates) {
      const aums = updates.map((bytes) => decodeAum(bytes))
      received.push(...aums)
      if (aums.length > 0) take(aums)
      return Promise.resolve(aumHashText(authority.head))
    },
    initBegin: () => Promise.resolve([]),
    initFinish: () => Promise.resolve(),
    disable: () => Promise.resolve(),
    sign: () => Promise.resolve(),
    affectedSignatures: () => Promise.resolve([]),
  }
  const rpc: LockRpc = {
    bootstrap: (...args) => (
      calls.push('bootstrap'),
      (lies.bootstrap ?? honest.bootstrap)(...args)
    ),
    syncOffer: (...args) => (calls.push('offer'), (lies.syncOffer ?? honest.syncOffer)(...args)),
    syncSend: (...args) => (calls.push('send'), (lies.syncSend ?? honest.syncSend)(...args)),
    initBegin: (...args) => (calls.push('begin'), (lies.initBegin ?? honest.initBegin)(...args)),
    initFinish: (...args) => (
      calls.push('finish'),
      (lies.initFinish ?? honest.initFinish)(...args)
    ),
    disable: (...args) => (calls.push('disable'), (lies.disable ?? honest.disable)(...args)),
    sign: (...args) => (calls.push('sign'), (lies.sign ?? honest.sign)(...args)),
    affectedSignatures: (...args) => (
      calls.push('affected'),
      (lies.affectedSignatures ?? honest.affectedSignatures)(...args)
    ),
  }
  return {
    rpc,
    lies,
    calls,
    received,
    head: () => aumHashText(authority.head),
    authority: () => authority,
    store: () => store,
    change(by, edit) {
      const builder = createUpdateBuilder(authority, [by.signer])
      edit(builder)
      const aums = builder.finish()
      take(aums)
      return aums
    },
    take,
  }
}
