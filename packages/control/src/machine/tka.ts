// SPDX-License-Identifier: Apache-2.0

/**
 * The eight calls of the lock. Each names its caller by node key, which must be one of the machine at the
 * other end; a node that is locked out may ask like any other, it needs the answers most.
 *
 * @module
 */

import { encodeJson, parseTka, tkaCalls } from '@signet/protocol'
import type { TKACall, TKACaller } from '@signet/protocol'
import type { LockContext } from '../lock/context.ts'
import { disable } from '../lock/disable.ts'
import { beginInit, finishInit } from '../lock/init.ts'
import { affectedSignatures, submitSignature } from '../lock/sign.ts'
import { bootstrap, offer, send } from '../lock/sync.ts'
import { ControlError } from '../errors.ts'
import type { NodeRow } from '../store/rows.ts'
import type { Caller } from './request.ts'
import type { MachineServices } from './services.ts'
import { nodeOfCaller } from './services.ts'

/** A request that its own codec has read, with what remains to be done. */
interface ReadCall {
  readonly nodeKey: TKACaller['NodeKey']
  /** Does the call and returns its answer as JSON. */
  readonly answer: (context: LockContext, node: NodeRow) => Promise<string>
}

type ReadBody = (body: Uint8Array) => ReadCall

const handlers: ReadonlyMap<string, ReadBody> = new Map([
  handle(tkaCalls.initBegin, beginInit),
  handle(tkaCalls.initFinish, async (context, node, request) => {
    await finishInit(context, node, request)
    return {}
  }),
  handle(tkaCalls.bootstrap, bootstrap),
  handle(tkaCalls.syncOffer, (context, _node, request) => offer(context, request)),
  handle(tkaCalls.syncSend, send),
  handle(tkaCalls.disable, async (context, node, request) => {
    await disable(context, node, request)
    return {}
  }),
  handle(tkaCalls.sign, (context, node, request) => {
    submitSignature(context, node, request)
    return {}
  }),
  handle(tkaCalls.affectedSigs, affectedSignatures),
])

function handle<Request extends TKACaller, Response>(
  call: TKACall<Request, Response>,
  serve: (context: LockContext, node: NodeRow, request: Request) => Response | Promise<Response>,
): [string, ReadBody] {
  return [
    call.path,
    (body) => {
      const request = parseTka(call.request, body)
      return {
        nodeKey: request.NodeKey,
        answer: async (context, node) =>
          encodeJson(call.response, await serve(context, node, request)),
      }
    },
  ]
}

/** Answers one call with JSON text. */
export async function answerTka(
  services: MachineServices,
  caller: Caller,
  path: string,
  body: Uint8Array,
): Promise<string> {
  const read = handlers.get(path)
  if (read === undefined) throw new ControlError('not-found', `No such call: ${path}`)
  services.lockCalls.call(path, caller.machineKey, body.length)
  const { nodeKey, answer } = read(body)
  const { tailnet, node } = nodeOfCaller(services, caller, nodeKey)
  const reply = await answer(services.runtime(tailnet).lock, node.row)
  const edit = services.intercept?.tkaReply
  if (edit === undefined) return reply
  return JSON.stringify(
    edit({ id: node.row.id, nodeKey: node.row.nodeKey }, path, JSON.parse(reply)),
  )
}
