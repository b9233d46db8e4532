// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run fuzz -- [--count N] [--seed S]`: spoiled requests at every door of a server. Prints what came of
 * them by endpoint. Exit code 1 on any fault; the seed that is printed repeats the run.
 */

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { describeTally } from './tally.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
})
const [count, seed] = [Number(values.count), Number(values.seed)]
console.log(`${count} cases, seed ${seed}`)
const folder = fileURLToPath(new URL('../../vectors/transcripts', import.meta.url))
const started = Date.now()
const { tally, grownBytes } = await fuzz({ folder, count, seed })
console.log(describeTally(tally))
for (const [fault, same] of Map.groupBy(tally.faults, (text) => text.slice(0, 80))) {
  console.log(`FAULT (${same.length} times) ${fault}\n${same[0] ?? ''}`)
}
const seconds = Math.round((Date.now() - started) / 1_000)
console.log(
  `${count} cases in ${seconds} s, ${tally.faults.length} faults, memory grown by ${(grownBytes / 2 ** 20).toFixed(1)} MiB`,
)
process.exitCode = tally.faults.length === 0 ? 0 : 1
