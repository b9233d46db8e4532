// SPDX-License-Identifier: Apache-2.0

/**
 * Keeping nodes and server on one chain: a new node asks for the genesis, a node that is behind offers what it
 * has, and whoever made an update sends it.
 *
 * Everything that is sent is verified before it is stored, whoever sends it. A person's change must stand on
 * the current head (of two at once, one wins and one is told); what a node sends by itself may stand anywhere,
 * which is how a server that was restored from an old backup gets back what it lost.
 *
 * @module
 */

import { blake2s256 } from '@signet/crypto'
import type {
  TKABootstrapRequest,
  TKABootstrapResponse,
  TKASyncOfferRequest,
  TKASyncOfferResponse,
  TKASyncSendRequest,
  TKASyncSendResponse,
} from '@signet/protocol'
import {
  aumHash,
  aumHashFromBytes,
  aumHashText,
  AumKind,
  aumParent,
  draftOn,
  encodeAum,
  informAuthority,
  MAX_KEYS,
  missingAums,
  parseAumHash,
  parseSyncOffer,
  syncOffer,
  TkaError,
} from '@signet/tka'
import type { Aum, AumHash, Authority, DraftAumStore, SyncOffer } from '@signet/tka'
import { ControlError } from '../errors.ts'
import { MAX_LARGE_REPLY_BYTES, MAX_OFFER_ANCESTORS, MAX_UPDATES_PER_REQUEST } from '../limits.ts'
import type { NodeRow } from '../store/rows.ts'
import { alertLockedOut } from './alerts.ts'
import { checkChainLength, checkStored, requireRoom } from './chain-length.ts'
import { checkCheckpoint } from './checkpoint-rule.ts'
import type { LockContext } from './context.ts'
import { refusalOf, requireActive, requireCurrent } from './context.ts'
import { parseAum } from './parse-aum.ts'
import { checkHistory } from './history-rule.ts'
import type { ActiveLock } from './state.ts'

/** What a node needs to begin, or to end. */
export function bootstrap(
  { tailnet, beginnings }: LockContext,
  node: NodeRow,
  request: TKABootstrapRequest,
): TKABootstrapResponse {
  const { active, retired } = tailnet.lock
  if (active === null && retired.length === 0) {
    throw new ControlError('not-found', 'Tailnet lock was never enabled')
  }
  if (active !== null && request.Head === '') beginnings.asked(node.id, active.row.genesis)
  const genesis = active?.aums.get(active.row.genesis)
  const secret = secretFor(tailnet.lock, request.Head)
  return {
    ...(genesis !== undefined && { GenesisAUM: encodeAum(genesis) }),
    ...(secret !== null && { DisablementSecret: secret }),
  }
}

/** The secret that ended the authority to which a head belongs; for an unknown head, the last one used. */
function secretFor(
  { active, retired }: LockContext['tailnet']['lock'],
  head: string,
): Uint8Array | null {
  if (head === '') return null
  const hash = parseHead(head)
  if (active !== null && active.aums.has(hash)) return null
  const ended = retired.findLast((old) => old.hashes.has(hash)) ?? retired.at(-1)
  return ended?.row.disablementSecret ?? null
}

/** Says what the server has, and sends what the caller lacks. */
export function offer(context: LockContext, request: TKASyncOfferRequest): TKASyncOfferResponse {
  const active = requireActive(context)
  const { authority, aums } = active
  const remote = parseOffer(request)
  const ours = syncOffer(authority)
  // A client sends back all that follows our newest ancestor which it knows. Naming its own head first, when it
  // is merely behind, makes that nothing.
  const isBehind =
    remote.head !== authority.head && authority.chain.heightOf(remote.head) !== undefined
  const ancestors = isBehind ? [remote.head, ...ours.ancestors] : ours.ancestors
  return {
    Head: active.headText,
    Ancestors: ancestors.map(aumHashText),
    MissingAUMs: withinReply(missing(authority, aums, remote).map(encodeAum)),
  }
}

function parseOffer(request: TKASyncOfferRequest): SyncOffer {
  const ancestors = request.Ancestors ?? []
  if (ancestors.length > MAX_OFFER_ANCESTORS) {
    throw new ControlError('bad-request', `More than ${MAX_OFFER_ANCESTORS} ancestors in an offer`)
  }
  try {
    return parseSyncOffer({ head: request.Head, ancestors })
  } catch (cause) {
    if (!(cause instanceof TkaError)) throw cause
    throw new ControlError('bad-request', `Cannot read the offer: ${cause.message}`, { cause })
  }
}

function missing(
  authority: Authority,
  aums: ActiveLock['aums'],
  remote: SyncOffer,
): readonly Aum[] {
  try {
    return missingAums(authority, aums, remote)
  } catch (cause) {
    if (!(cause instanceof TkaError) || cause.code !== 'no-intersection') throw cause
    throw new ControlError(
      'conflict',
      'This node follows an authority that has nothing in common with ours',
      {
        cause,
      },
    )
  }
}

/** As many updates, oldest first, as a client reads. It asks for the rest when it has stored these. */
function withinReply(updates: readonly Uint8Array[]): readonly Uint8Array[] {
  let size = 64 << 10
  const end = updates.findIndex((bytes) => {
    size += Math.ceil(bytes.length / 3) * 4 + 3
    return size > MAX_LARGE_REPLY_BYTES
  })
  return end === -1 ? updates : updates.slice(0, end)
}

/** Takes updates. */
export function send(
  context: LockContext,
  node: NodeRow,
  request: TKASyncSendRequest,
): TKASyncSendResponse {
  const active = requireActive(context)
  const sent = request.MissingAUMs ?? []
  if (sent.length > MAX_UPDATES_PER_REQUEST) {
    throw new ControlError('limit', `More than ${MAX_UPDATES_PER_REQUEST} updates in one request`)
  }
  if (request.Interactive) requireCurrent(context, node, 'change tailnet lock')
  // Nodes repeat what we have, often dozens at a time: looked up by the digest of the bytes, nothing is parsed.
  const unknown = sent.filter(
    (bytes) => bytes !== null && !active.aums.has(aumHashFromBytes(blake2s256(bytes))),
  )
  context.logger.debug(
    { node: node.id, sent: sent.length, unknown: unknown.length, interactive: request.Interactive },
    'updates sent',
  )
  if (unknown.length > 0) context.calls.newUpdates(node.machineKey, unknown.length)
  const updates = unknown.map((bytes) => parseAum(bytes ?? new Uint8Array()))
  if (updates.length === 0) return { Head: active.headText }
  if (request.Interactive) requireOnHead(active, updates)
  requireRoom(active, updates)
  const draft = draftOn(active.aums, () => context.clock.now())
  const authority = inform(active, draft, updates)
  if (draft.added.length === 0) return { Head: active.headText }
  checkResult(active, draft, authority)
  requireEffect(request, draft, authority)
  return { Head: commit(context, active, draft, authority, node) }
}

/** Compare and swap: a change stands on the head that everybody sees. */
function requireOnHead(active: ActiveLock, updates: readonly Aum[]): void {
  const [first] = updates
  if (first !== undefined && aumParent(first) !== active.authority.head) {
    throw new ControlError(
      'conflict',
      'The tailnet lock was changed by somebody else meanwhile; wait until this node has the change, then try again',
    )
  }
}

function inform(active: ActiveLock, draft: DraftAumStore, updates: readonly Aum[]): Authority {
  try {
    return informAuthority(active.authority, draft, updates)
  } catch (error) {
    throw refusalOf(error, 'Cannot accept the update')
  }
}

/** Limits that the authority itself does not have. */
function checkResult(active: ActiveLock, draft: DraftAumStore, authority: Authority): void {
  for (const aum of draft.added) {
    checkCheckpoint(aum, { store: draft, chain: authority.chain, head: active.authority.state })
  }
  checkHistory(active.authority, authority, draft)
  const keys = authority.state.keys?.length ?? 0
  if (keys > MAX_KEYS) {
    throw new ControlError(
      'limit',
      `Tailnet lock holds at most ${MAX_KEYS} keys; remove some first`,
    )
  }
  checkChainLength(active, authority, draft.added)
  checkStored(active, authority, draft.added.length)
}

/**
 * A revocation is sent as one update with itself as head, and its sender believes that it won. If it does not
 * outweigh what it replaces, that is said, and it is not kept.
 */
function requireEffect(
  request: TKASyncSendRequest,
  draft: DraftAumStore,
  authority: Authority,
): void {
  const last = draft.added.at(-1)
  if (last === undefined || last.kind !== AumKind.Checkpoint || request.Interactive) return
  const hash = aumHash(last)
  if (request.Head !== aumHashText(hash) || authority.head === hash) return
  if (authority.chain.heightOf(hash) !== undefined) return
  throw new ControlError(
    'conflict',
    'This revocation has too few signatures to replace what followed; have more trusted nodes co-sign it',
  )
}

function commit(
  context: LockContext,
  active: ActiveLock,
  draft: DraftAumStore,
  authority: Authority,
  node: NodeRow,
): string {
  const { tailnet, clock, logger } = context
  const { added } = draft
  const before = tailnet.lock
  const moved = authority.head !== active.authority.head
  const next: ActiveLock = {
    row: { ...active.row, head: authority.head },
    authority,
    aums: active.aums,
    headText: aumHashText(authority.head),
  }
  tailnet.write((change) => {
    change.setLock({ ...tailnet.lock, active: moved ? next : active }, [
      ...added.map((aum) => ({
        put: 'aum' as const,
        row: {
          authorityId: active.row.id,
          hash: aumHash(aum),
          parent: aumParent(aum),
          raw: encodeAum(aum),
          arrivedAt: clock.now(),
        },
      })),
      ...(moved
        ? [
            {
              move: 'head' as const,
              authorityId: active.row.id,
              from: active.authority.head,
              to: authority.head,
            },
          ]
        : []),
    ])
  })
  // Memory follows the store; readers have not been woken yet.
  active.aums.commit(added)
  logger.info({ node: node.id, updates: added.length, head: next.headText, moved }, 'lock updated')
  if (moved) alertLockedOut(context, before)
  return moved ? next.headText : active.headText
}

function parseHead(text: string): AumHash {
  try {
    return parseAumHash(text)
  } catch (cause) {
    if (!(cause instanceof TkaError)) throw cause
    throw new ControlError('bad-request', `Cannot read the head: ${cause.message}`, { cause })
  }
}
