// SPDX-License-Identifier: Apache-2.0

/**
 * The eight lock calls over the link to the server: GET requests with a JSON body.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { encodeJson, parseTka, tkaCalls, type TKACall, type TKACaller } from '@signet/protocol'
import { withDeadline, type Clock } from '../clock.ts'
import { NodeError, reasonOf } from '../errors.ts'
import { callMs } from '../limits.ts'
import type { LockRpc } from '../lock/lock-rpc.ts'
import { readReply, refuse, type ControlLink } from './link.ts'

/** What the calls need. */
export type LockCallsOptions = {
  readonly link: ControlLink
  readonly clock: Clock
  readonly capability: number
  /** This node's key at the moment of the call. @throws NodeError not-logged-in */
  readonly nodeKey: () => NodePublic
  /** Ends all calls. */
  readonly signal: AbortSignal
}

/** Creates the server's side of the lock. */
export function createLockCalls(options: LockCallsOptions): LockRpc {
  const { link, clock, capability } = options
  const call = async <Request extends TKACaller, Response>(
    description: TKACall<Request, Response>,
    rest: Omit<Request, keyof TKACaller>,
  ): Promise<Response> => {
    const caller: TKACaller = { Version: capability, NodeKey: options.nodeKey() }
    // The table of the call says what else it takes; TypeScript cannot put the two together again.
    const body = encodeJson(description.request, { ...caller, ...rest } as Request)
    const late = (): Error => new NodeError('timeout', `No answer to ${description.path}`)
    return withDeadline(clock, callMs, options.signal, late, async (signal) => {
      const reply = await link.request({ method: 'GET', path: description.path, body, signal })
      if (reply.status !== 200) return refuse(reply, clock.now)
      return parse(description, await readReply(reply, description.responseLimit))
    })
  }
  return {
    async bootstrap(Head) {
      const reply = await call(tkaCalls.bootstrap, { Head })
      return {
        genesis: present(reply.GenesisAUM),
        disablementSecret: present(reply.DisablementSecret),
      }
    },
    async syncOffer({ head, ancestors }) {
      const reply = await call(tkaCalls.syncOffer, { Head: head, Ancestors: ancestors })
      return {
        offer: { head: reply.Head, ancestors: reply.Ancestors ?? [] },
        missing: bytesOf(reply.MissingAUMs),
      }
    },
    async syncSend(Head, MissingAUMs, Interactive) {
      return (await call(tkaCalls.syncSend, { Head, MissingAUMs, Interactive })).Head
    },
    async initBegin(GenesisAUM) {
      return (await call(tkaCalls.initBegin, { GenesisAUM })).NeedSignatures ?? []
    },
    async initFinish(signatures, support) {
      await call(tkaCalls.initFinish, {
        Signatures: Object.fromEntries(signatures),
        ...(support && { SupportDisablement: support }),
      })
    },
    async disable(Head, DisablementSecret) {
      await call(tkaCalls.disable, { Head, DisablementSecret })
    },
    async sign(Signature) {
      await call(tkaCalls.sign, { Signature })
    },
    async affectedSignatures(KeyID) {
      return bytesOf((await call(tkaCalls.affectedSigs, { KeyID })).Signatures)
    },
  }
}

function parse<Request, Response>(
  description: TKACall<Request, Response>,
  body: Uint8Array,
): Response {
  try {
    return parseTka(description.response, body)
  } catch (cause) {
    throw new NodeError(
      'control-protocol',
      `Cannot read the answer to ${description.path}: ${reasonOf(cause)}`,
      { cause },
    )
  }
}

function present(bytes: Uint8Array | undefined): Uint8Array | null {
  return bytes === undefined || bytes.length === 0 ? null : bytes
}

/** A null in a list is as good as nothing: it fails to decode, and is counted as refused. */
function bytesOf(list: readonly (Uint8Array | null)[] | null): readonly Uint8Array[] {
  return (list ?? []).map((bytes) => bytes ?? new Uint8Array())
}
