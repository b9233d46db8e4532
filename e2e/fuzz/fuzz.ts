// SPDX-License-Identifier: Apache-2.0

/**
 * Throws spoiled requests at every door of a server, and looks whether it minds.
 *
 * @module
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { honestClient } from './honest.ts'
import { attackAdmin, attackHandshake, attackHttp1, attackHttp2, attackRelay } from './doors.ts'
import { attackMachine, createCallers } from './machine-calls.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'
import { withWorld } from './world.ts'
import type { World } from './world.ts'

/** What to do. */
export interface FuzzOptions {
  readonly folder: string
  readonly count: number
  readonly seed: number
}

/** What came of it. */
export interface FuzzReport {
  readonly tally: Tally
  /** Growth of the process from after the first tenth to the end; it holds client and server. */
  readonly grownBytes: number
}

/** How many cases pass between two looks at the others. */
const LOOK_EVERY = 50
/** Limits that forget with time should not be all that answers. */
const CASE_MS = 400

/** Runs so many cases. */
export async function fuzz({ folder, count, seed }: FuzzOptions): Promise<FuzzReport> {
  const tally = createTally()
  const stray = (what: string) => (error: unknown) =>
    tally.fault(
      `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  const onException = stray('uncaught exception')
  const onRejection = stray('unhandled rejection')
  process.on('uncaughtException', onException)
  process.on('unhandledRejection', onRejection)
  let grownBytes = 0
  try {
    await withWorld(folder, async (world) => {
      grownBytes = await attack(world, tally, createRandom(seed), count)
    })
  } finally {
    process.off('uncaughtException', onException)
    process.off('unhandledRejection', onRejection)
  }
  return { tally, grownBytes }
}

async function attack(world: World, tally: Tally, random: Random, count: number): Promise<number> {
  const { server } = world
  const callers = createCallers(world)
  let others = await world.others()
  let atFirst = 0
  for (let number = 0; number < count; number++) {
    await server.clock.advanceAsync(CASE_MS)
    const isAdmin = await oneCase(world, tally, random, callers)
    if (number % LOOK_EVERY === 0 || isAdmin) {
      const now = await world.others()
      // An administrator may change what it likes.
      if (!isAdmin) reportChanges(tally, others, now)
      others = now
    }
    if (number === Math.floor(count / 10)) atFirst = heapInUse()
  }
  callers.close()
  reportChanges(tally, others, await world.others())
  const grown = heapInUse() - atFirst
  for (const error of server.errors.splice(0)) tally.fault(`the server logged: ${error}`)
  await honestClient(server, tally)
  return grown
}

/** One case; returns whether it was the administrator's. */
async function oneCase(
  world: World,
  tally: Tally,
  random: Random,
  callers: ReturnType<typeof createCallers>,
): Promise<boolean> {
  const { port } = world.server.control
  const keys = { machineKey: world.attacker, serverKey: world.server.control.publicKey }
  const kind = random.below(20)
  if (kind < 12) await attackMachine(world, tally, random, callers)
  else if (kind < 14) await attackHttp2(port, keys, tally, random)
  else if (kind < 16) await attackHandshake(port, keys, world, tally, random)
  else if (kind < 18) await attackHttp1(port, tally, random)
  else if (kind < 19) await attackRelay(port, world, tally, random)
  else {
    await attackAdmin(world, tally, random)
    return true
  }
  return false
}

function reportChanges(
  tally: Tally,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): void {
  for (const [name, was] of before) {
    const is = after.get(name)
    if (is !== was) tally.fault(`${name} was changed by another node:\n${was}\n${is}`)
  }
}

/** After what nobody holds any more was collected. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
