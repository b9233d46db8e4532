// SPDX-License-Identifier: Apache-2.0

/**
 * Lies about the lock itself: that it is off, that other keys are trusted, that its history is another.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { toBase64 } from '@signet/codec'
import { generateLockKey, lockSigner, type LockSigner } from '@signet/keys'
import type { MapResponse } from '@signet/protocol'
import {
  aumHash,
  aumHashBytes,
  aumHashText,
  AumKind,
  createGenesis,
  EMPTY_AUM,
  encodeAum,
  KeyKind,
  signAum,
  stateIdsFromBytes,
  type Aum,
  type AumHash,
  type Key,
  type State,
} from '@signet/tka'
import type { TkaLie } from '../support/lying-tailnet.ts'

/** What a liar about the lock knows: all that the server stores, and one stolen key where a row says so. */
export interface LockLoot {
  readonly head: AumHash
  readonly genesis: AumHash
  readonly state: State
  readonly trusted: LockSigner
}

/** One lie. */
export interface LockLie {
  readonly name: string
  readonly info: (loot: LockLoot) => MapResponse['TKAInfo']
  readonly tka: (loot: LockLoot) => TkaLie
}

const stranger = lockSigner(generateLockKey())

function keyOf(signer: LockSigner): Key {
  return { kind: KeyKind.Ed25519, votes: 4096n, public: signer.keyId, meta: null }
}

function addStranger(parent: AumHash): Aum {
  return { ...EMPTY_AUM, kind: AumKind.AddKey, prev: aumHashBytes(parent), key: keyOf(stranger) }
}

/** An authority of the server's own making. */
export function foreignGenesis(): Aum {
  const state: State = {
    lastAumHash: null,
    disablementValues: [new Uint8Array(randomBytes(32))],
    keys: [keyOf(stranger)],
    ...stateIdsFromBytes(new Uint8Array(randomBytes(16))),
  }
  return createGenesis(state, [stranger])
}

/** Answers an offer with these updates, and says that their last is the head. */
function feed(
  aums: readonly Aum[],
  ancestors: readonly AumHash[] = [],
): Pick<LockLie, 'info' | 'tka'> {
  const last = aums.at(-1)
  const head = last ? aumHashText(aumHash(last)) : ''
  return {
    info: () => ({ Head: head }),
    tka: (loot) => (path, reply) => {
      if (path.endsWith('/sync/send')) return { Head: head }
      if (!path.endsWith('/sync/offer')) return reply
      return {
        Head: head,
        Ancestors: [...ancestors, loot.genesis].map(aumHashText),
        MissingAUMs: aums.map((aum) => toBase64(encodeAum(aum))),
      }
    },
  }
}

/** The same, with updates that depend on the present state. */
function feedFrom(make: (loot: LockLoot) => readonly Aum[]): Pick<LockLie, 'info' | 'tka'> {
  return {
    info: (loot) => feed(make(loot)).info(loot),
    tka: (loot) => feed(make(loot)).tka(loot),
  }
}

function bootstrapWith(reply: Record<string, unknown>): () => TkaLie {
  return () => (path, honest) => (path.endsWith('/bootstrap') ? reply : honest)
}

const off = (): MapResponse['TKAInfo'] => ({ Disabled: true })

/** Every lie about the lock that a locked node has to withstand. */
export const lockLies: readonly LockLie[] = [
  { name: 'the lock is off, and no secret', info: off, tka: bootstrapWith({}) },
  {
    name: 'the lock is off, with a wrong secret',
    info: off,
    tka: bootstrapWith({ DisablementSecret: toBase64(new Uint8Array(32).fill(1)) }),
  },
  {
    name: 'the lock is off, with the public disablement value for a secret',
    info: off,
    tka: ({ state }) =>
      bootstrapWith({
        DisablementSecret: toBase64(state.disablementValues?.[0] ?? new Uint8Array(0)),
      })(),
  },
  {
    name: 'the lock is off, with something that is not even bytes',
    info: off,
    tka: bootstrapWith({ DisablementSecret: { toString: 'no' } }),
  },
  {
    name: 'a head that cannot be read',
    info: () => ({ Head: 'not a head' }),
    tka: bootstrapWith({}),
  },
  {
    name: 'a head that nobody knows, and no updates',
    info: () => ({ Head: aumHashText(aumHash(foreignGenesis())) }),
    tka: () => (path, reply) =>
      path.endsWith('/sync/offer')
        ? { Head: 'A'.repeat(52), Ancestors: [], MissingAUMs: [] }
        : reply,
  },
  {
    name: 'an invented trusted key, signed by itself',
    ...feedFrom(({ head }) => [signAum(addStranger(head), [stranger])]),
  },
  {
    name: 'an invented trusted key, not signed at all',
    ...feedFrom(({ head }) => [addStranger(head)]),
  },
  {
    name: 'an invented trusted key, in the name of a trusted one',
    ...feedFrom(({ head, trusted }) => [
      signAum(addStranger(head), [{ keyId: trusted.keyId, sign: (m) => stranger.sign(m) }]),
    ]),
  },
  {
    name: 'an invented trusted key, with a good signature and a bad one beside it',
    ...feedFrom(({ head, trusted }) => [signAum(addStranger(head), [trusted, stranger])]),
  },
  {
    name: 'an update edited after it was signed',
    ...feedFrom(({ head, trusted }) => {
      const vote: Aum = {
        ...EMPTY_AUM,
        kind: AumKind.UpdateKey,
        prev: aumHashBytes(head),
        keyId: trusted.keyId,
        votes: 2n,
      }
      return [{ ...signAum(vote, [trusted]), votes: 4096n }]
    }),
  },
  {
    name: 'history rewritten from the first update on',
    ...feedFrom(({ genesis, state }) => {
      const rewritten: Aum = {
        ...EMPTY_AUM,
        kind: AumKind.Checkpoint,
        prev: aumHashBytes(genesis),
        state: { ...state, lastAumHash: null, keys: [keyOf(stranger)] },
      }
      return [signAum(rewritten, [stranger])]
    }),
  },
  {
    name: 'all disablement secrets swapped',
    ...feedFrom(({ head, state }) => {
      const swapped: Aum = {
        ...EMPTY_AUM,
        kind: AumKind.Checkpoint,
        prev: aumHashBytes(head),
        state: { ...state, lastAumHash: null, disablementValues: [new Uint8Array(32).fill(9)] },
      }
      return [signAum(swapped, [stranger])]
    }),
  },
  {
    name: 'a checkpoint of another lock, signed by a stolen key',
    ...feedFrom(({ head, state, trusted }) => {
      const other: Aum = {
        ...EMPTY_AUM,
        kind: AumKind.Checkpoint,
        prev: aumHashBytes(head),
        state: { ...state, lastAumHash: null, stateId1: state.stateId1 + 1n },
      }
      return [signAum(other, [trusted])]
    }),
  },
  {
    name: 'a good update whose predecessor is withheld',
    ...feedFrom(({ head, trusted }) => {
      const noop = (parent: AumHash): Aum =>
        signAum({ ...EMPTY_AUM, kind: AumKind.NoOp, prev: aumHashBytes(parent) }, [trusted])
      return [noop(aumHash(noop(head)))]
    }),
  },
  {
    name: 'another lock from its genesis on',
    ...feedFrom(() => {
      const genesis = foreignGenesis()
      return [genesis, signAum(addStranger(aumHash(genesis)), [stranger])]
    }),
  },
  {
    name: 'updates that are noise',
    info: () => ({ Head: aumHashText(aumHash(foreignGenesis())) }),
    tka:
      ({ genesis }) =>
      (path, reply) =>
        path.endsWith('/sync/offer')
          ? {
              Head: 'A'.repeat(52),
              Ancestors: [aumHashText(genesis)],
              MissingAUMs: [toBase64(new Uint8Array(randomBytes(64))), toBase64(new Uint8Array(0))],
            }
          : reply,
  },
  {
    name: 'an answer that is no answer',
    info: () => ({ Head: aumHashText(aumHash(foreignGenesis())) }),
    tka: () => (path, reply) => (path.endsWith('/sync/offer') ? ['no', 'answer'] : reply),
  },
]
