// SPDX-License-Identifier: Apache-2.0

/**
 * `npm run demo`: the story of the product as real processes on loopback sockets. Exit code 0 only
 * if every claim was seen on the nodes themselves.
 *
 * @module
 */

import { claimsHeld, Surprise } from './demo/claims.ts'
import * as screen from './demo/screen.ts'
import { createStage } from './demo/stage.ts'
import { play } from './demo/story.ts'

const patienceMs = 60_000

const stage = createStage()
const started = performance.now()
const interrupted = Promise.withResolvers<never>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.reject(new Error(`stopped by ${signal}`)))
}
const late = setTimeout(() => {
  interrupted.reject(new Surprise('the demo ends', `within ${patienceMs / 1000} s`, 'it goes on'))
}, patienceMs)

try {
  await Promise.race([play(stage), interrupted.promise])
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  screen.finish(`${claimsHeld()} claims, every one seen on the nodes, in ${seconds} s.`)
} catch (error) {
  process.exitCode = 1
  if (error instanceof Surprise) screen.surprised(error.message, error.expected, error.actual)
  else screen.surprised('the demo broke', 'a performance to the end', String(error))
  const log = stage.log()
  if (log !== '')
    screen.line(`\nWhat the programs logged:\n${log.split('\n').slice(-25).join('\n')}`)
} finally {
  clearTimeout(late)
  await stage[Symbol.asyncDispose]()
}
process.exit()
