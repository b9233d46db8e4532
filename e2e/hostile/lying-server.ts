// SPDX-License-Identifier: Apache-2.0

/**
 * A coordination server that lies on demand, as a process: the real server on the state directory
 * of an honest one, edited by the seam that only the library has. `npm run demo` takes it over
 * after `signet serve`.
 *
 * Usage: node lying-server.ts STATE-DIR PORT. Orders are lines of JSON on standard input; each is
 * answered by one line of JSON on standard output.
 *
 *     {"do":"tell","lie":"rogue","mode":"delta"}   begin to tell a lie
 *     {"do":"honest"}                              tell the truth again, whole, to everybody
 *     {"do":"knock","udp":..,"ip":..,"nodeKey":..} have the rogue shake hands with a node
 *     {"do":"count"}                               end that, and say how often it was answered
 *     {"do":"stop"}
 *
 * @module
 */

import { createInterface } from 'node:readline'
import { createLogger, startControl } from '@signet/control'
import { parseNodePublic } from '@signet/keys'
import { createRogue } from '../support/rogue.ts'
import { createLiar, type Mode } from './liar.ts'

interface Order {
  readonly do: string
  readonly lie?: string
  readonly mode?: Mode
  readonly node?: string
  readonly udp?: string
  readonly ip?: string
  readonly nodeKey?: string
}

const [stateDir = '', port = '0'] = process.argv.slice(2)
const rogue = await createRogue()
const liar = createLiar(stateDir, rogue.described)
const control = await startControl({
  stateDir,
  listen: { host: '127.0.0.1', port: Number(port) },
  logger: createLogger('warn', (line) => process.stderr.write(line)),
  intercept: liar,
})
const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)
say({ url: control.url, rogue: rogue.nodeKey })

/** A knock that is under way: it ends when it is told that the node has shown life since. */
let knock: { readonly alive: () => void; readonly answers: Promise<number> } | undefined

async function obey(order: Order): Promise<object> {
  switch (order.do) {
    case 'tell':
      liar.tell(order.lie ?? '', order.mode ?? 'full', order.node ?? '')
      control.wake(order.mode ?? 'full')
      return { told: order.lie }
    case 'honest':
      liar.beHonest()
      control.wake('full')
      return { told: 'the truth' }
    case 'knock': {
      const { udp = '', ip = '', nodeKey = '' } = order
      const life = Promise.withResolvers<void>()
      const sent = Promise.withResolvers<void>()
      const answers = rogue.knock({ udp, ip, nodeKey: parseNodePublic(nodeKey) }, () => {
        sent.resolve()
        return life.promise
      })
      await sent.promise
      knock = { alive: life.resolve, answers }
      return { knocked: udp }
    }
    case 'count':
      knock?.alive()
      return { answers: await knock?.answers }
    default:
      throw new Error(`unknown order ${order.do}`)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  if (order.do === 'stop') break
  try {
    say(await obey(order))
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) })
  }
}
await control.close()
await rogue[Symbol.asyncDispose]()
process.exit(0)
