// SPDX-License-Identifier: Apache-2.0

/**
 * Spoiled requests inside the control connection: from a node of the tailnet, and from a machine that nobody
 * knows.
 *
 * @module
 */

import { encodeUtf8 } from '@signet/codec'
import { generateMachineKey, machinePublicOf } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import { Ts2021Error } from '@signet/ts2021'
import type { ControlConnection } from '@signet/ts2021'
import { dial } from '../replay/client.ts'
import { isObject } from '../replay/transcript.ts'
import type { Json, JsonObject, Step } from '../replay/transcript.ts'
import { mutateBytes, mutateJson } from './mutate.ts'
import type { Random } from './random.ts'
import { classOf } from './tally.ts'
import type { Tally } from './tally.ts'
import type { World } from './world.ts'

/** Connections of the attacker and of strangers, made when needed. */
export interface Callers {
  connect(machine: MachinePrivate): Promise<ControlConnection>
  close(): void
}

/** An answer is waited for this long: some requests wait for a person, or for changes. */
const PATIENCE_MS = 40
const MAX_BODY = 12 << 20
/** Streams that are left open without being read. */
const MAX_UNREAD = 20

export function createCallers({ server }: World): Callers {
  const open = new Map<MachinePrivate, ControlConnection>()
  return {
    async connect(machine) {
      const before = open.get(machine)
      if (before !== undefined && !before.closed) return before
      const made = await dial(server.control, machine)
      open.set(machine, made)
      if (open.size > MAX_UNREAD) {
        const [oldest] = open.keys()
        if (oldest !== undefined) {
          open.get(oldest)?.close()
          open.delete(oldest)
        }
      }
      return made
    },
    close() {
      for (const connection of open.values()) connection.close()
    },
  }
}

/** Sends one recorded request, spoiled. */
export async function attackMachine(
  world: World,
  tally: Tally,
  random: Random,
  callers: Callers,
): Promise<void> {
  const step = random.pick(random.pick(world.requests))
  const machine = random.oneIn(5) ? generateMachineKey() : world.attacker
  const body = spoiledBody(world, random, step, await world.attackerKey())
  const path = random.oneIn(30)
    ? `${step.path}${random.pick(['/', '?x=1', '%00', '/..'])}`
    : step.path
  const method = random.oneIn(30)
    ? random.pick(['GET', 'POST', 'PATCH', 'HEAD'] as const)
    : step.method
  const endpoint = `machine ${step.path.replace('/machine/', '').replace(/^\/c2n\/.*/, 'c2n')}`
  try {
    if (random.oneIn(60)) callers.close()
    const connection = await callers.connect(machine)
    const patience = AbortSignal.timeout(PATIENCE_MS)
    const answering = connection.request({
      method: method as 'POST',
      path,
      authority: step.authority,
      headers: random.oneIn(20) ? { 'ts-lb': 'x'.repeat(2_000), 'content-type': 'a/b' } : {},
      body,
      signal: patience,
    })
    const response = await answering
    if (response.status === 200 && step.request['Stream'] === true && path === '/machine/map') {
      // Left unread every now and then.
      if (random.oneIn(2)) response.stream.pause()
      tally.note(endpoint, 'stream')
      await checkOwner(world, tally, machine, body, null)
      return
    }
    const text = new TextDecoder().decode(await response.body(MAX_BODY))
    const outcome = outcomeOf(step, response.status, text)
    tally.note(endpoint, outcome)
    // What this server has not at all is no fault of the request; that is said, too.
    if (response.status >= 500 && !(response.status === 501 && text !== '')) {
      tally.fault(`${path} answered ${response.status} ${text} to ${show(body)}`)
    }
    if (response.status >= 400 && text === '' && method !== 'HEAD') {
      tally.fault(`${path} refused without a reason: ${response.status} to ${show(body)}`)
    }
    if (outcome === '2xx') await checkOwner(world, tally, machine, body, text)
  } catch (error) {
    if (!(error instanceof Ts2021Error)) throw error
    tally.note(endpoint, error.code === 'closed' ? 'no answer' : error.code)
  }
}

function outcomeOf(step: Step, status: number, text: string): string {
  if (status !== 200 || step.path !== '/machine/register') return classOf(status)
  const answer = JSON.parse(text) as Json
  return isObject(answer) && answer['Error'] !== '' ? 'Error' : '2xx'
}

/** Nobody gets an answer about a node that belongs to another machine. */
async function checkOwner(
  world: World,
  tally: Tally,
  machine: MachinePrivate,
  body: Uint8Array,
  answer: string | null,
): Promise<void> {
  const text = new TextDecoder().decode(body)
  if (text.split('"NodeKey"').length !== 2) return
  let request: Json
  try {
    request = JSON.parse(text) as Json
  } catch {
    return
  }
  const key = isObject(request) ? request['NodeKey'] : undefined
  const owner = typeof key === 'string' ? await world.ownerOf(key) : undefined
  if (owner !== undefined && owner !== machinePublicOf(machine)) {
    tally.fault(`A node was answered for another: ${show(body)} -> ${answer ?? 'a stream'}`)
  }
}

function spoiledBody(world: World, random: Random, step: Step, attackerKey: string): Uint8Array {
  const request: JsonObject = structuredClone(step.request)
  // Most of the time as who it is, so that more than the door is tried.
  if (!random.oneIn(4)) request['NodeKey'] = attackerKey
  if (step.path.endsWith('/disable')) request['DisablementSecret'] = 'AAAA'
  if (random.oneIn(10)) return encodeUtf8(JSON.stringify(request))
  if (random.oneIn(6)) return mutateBytes(random, encodeUtf8(JSON.stringify(request)))
  return new TextEncoder().encode(mutateJson(random, request, world.keys))
}

function show(body: Uint8Array): string {
  return Buffer.from(body).toString('utf8').slice(0, 300)
}
