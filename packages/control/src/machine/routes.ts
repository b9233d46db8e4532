// SPDX-License-Identifier: Apache-2.0

/**
 * What a node may ask inside the control connection. Routed by path alone: clients write all sorts of things
 * where a host name belongs.
 *
 * @module
 */

import { parseRegisterRequest, encodeRegisterResponse, tkaCalls } from '@signet/protocol'
import type { ServerStream } from '@signet/ts2021'
import { ControlError } from '../errors.ts'
import { MAX_BODY_BYTES, MAX_NODE_ANSWER_BYTES, SMALL_ANSWER_BYTES } from '../limits.ts'
import type { MachineServices } from './services.ts'
import { serveMap } from './map.ts'
import { NODE_CALL_PATH, noQuestion } from './node-calls.ts'
import { oddRoutes, webClientRoute } from './odd-routes.ts'
import { register } from './register.ts'
import type { BodyBudget } from './body-budget.ts'
import type { Answer, Caller } from './request.ts'
import { errorAnswer, jsonAnswer, readBody, sendAnswer } from './request.ts'
import type { Route } from './route.ts'
import { answerTka } from './tka.ts'

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/machine/register',
    {
      method: 'POST',
      limit: MAX_BODY_BYTES,
      serve: async (services, caller, body, stream) => {
        const signal = untilClosed(stream)
        const answer = await register(services, caller, parseRegisterRequest(body), signal)
        return answer === null ? null : jsonAnswer(encodeRegisterResponse(answer))
      },
    },
  ],
  ['/machine/map', { method: 'POST', limit: MAX_BODY_BYTES, serve: serveMap }],
  ...oddRoutes,
  ...Object.values(tkaCalls).map((call): [string, Route] => [
    call.path,
    {
      method: 'GET',
      limit: call.requestLimit,
      serve: async (services, caller, body) =>
        jsonAnswer(await answerTka(services, caller, call.path, body)),
    },
  ]),
])

/** Serves one stream. Never throws, never rejects. */
export async function serveStream(
  services: MachineServices,
  caller: Caller,
  stream: ServerStream,
  bodies: BodyBudget,
): Promise<void> {
  const { headers } = stream
  const path = headers[':path']?.split('?')[0] ?? ''
  try {
    const route = routes.get(path) ?? longRoute(services, caller, path)
    if (route === undefined)
      throw new ControlError('not-found', `No such path: ${path.slice(0, 100)}`)
    if (headers[':method'] !== route.method) {
      throw new ControlError('method-not-allowed', `${path} takes ${route.method}`)
    }
    const body = await receive(services, caller, bodies, stream, route.limit)
    const answer = await route.serve(services, caller, body, stream)
    if (answer === null) return
    keepRoom(caller, bodies, stream, answer)
    sendAnswer(stream, answer)
  } catch (error) {
    const answer = errorAnswer(error)
    if (answer.status === 500 || answer.status === 503)
      services.logger.error({ err: error, path }, 'request failed')
    else services.logger.debug({ path, status: answer.status, reason: answer.body }, 'refused')
    sendAnswer(stream, answer)
  }
}

/** Aborts when the client has left: an answer may have to wait for a person, for hours. */
function untilClosed(stream: ServerStream): AbortSignal {
  const left = new AbortController()
  if (stream.closed) left.abort()
  else stream.onClose(() => left.abort())
  return left.signal
}

/** Routes whose paths carry names of things. */
function longRoute(services: MachineServices, caller: Caller, path: string): Route | undefined {
  if (path.startsWith(NODE_CALL_PATH)) return answerRoute(services, caller, path)
  return path.startsWith('/machine/webclient/') ? webClientRoute : undefined
}

/** Where a node answers a question. What nobody waits for is not even read. */
function answerRoute({ calls }: MachineServices, { machineKey }: Caller, path: string): Route {
  const id = path.slice(NODE_CALL_PATH.length)
  if (!calls.isExpected(id, machineKey)) throw noQuestion()
  return {
    method: 'POST',
    limit: MAX_NODE_ANSWER_BYTES,
    serve(_, caller, body) {
      calls.answer(id, caller.machineKey, body)
      return { status: 204, body: '' }
    },
  }
}

async function receive(
  { tailnets, clock }: MachineServices,
  { machineKey }: Caller,
  bodies: BodyBudget,
  stream: ServerStream,
  limit: number,
): Promise<Uint8Array> {
  using room = bodies.enter(machineKey, tailnets.knowsMachine(machineKey), limit)
  return await readBody(stream, room, clock)
}

/** An answer takes room until it has been read: who asks for many large ones and reads none gets no more. */
function keepRoom(
  { machineKey }: Caller,
  bodies: BodyBudget,
  stream: ServerStream,
  { body }: Answer,
): void {
  if (body.length < SMALL_ANSWER_BYTES || stream.closed) return
  const room = bodies.enter(machineKey, true, body.length)
  stream.onClose(() => room[Symbol.dispose]())
}
