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
import { MAX_BODY_BYTES, SMALL_ANSWER_BYTES } from '../limits.ts'
import type { MachineServices } from './services.ts'
import { serveMap } from './map.ts'
import { register } from './register.ts'
import type { BodyBudget } from './body-budget.ts'
import type { Answer, Caller } from './request.ts'
import { errorAnswer, jsonAnswer, readBody, sendAnswer } from './request.ts'
import { answerTka } from './tka.ts'

interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly limit: number
  /** Returns an answer, or answers by itself and returns null. */
  readonly serve: (
    services: MachineServices,
    caller: Caller,
    body: Uint8Array,
    stream: ServerStream,
  ) => Answer | null | Promise<Answer | null>
}

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
  // Nobody has sent it since 2025; what it says is not needed.
  [
    '/machine/update-health',
    { method: 'POST', limit: MAX_BODY_BYTES, serve: () => jsonAnswer('{}') },
  ],
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
    const route = routes.get(path)
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
    if (answer.status === 500) services.logger.error({ err: error, path }, 'request failed')
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
