// SPDX-License-Identifier: Apache-2.0

/**
 * The child process of a measurement: `run-one.ts NAME` runs `NAME.bench.ts` and sends its rows to the parent.
 *
 * @module
 */

import type { Bench } from './harness.ts'

const name = process.argv[2] ?? ''
const module = (await import(`./${name}.bench.ts`)) as { readonly bench: Bench }
const rows = await module.bench()
process.send?.(rows, () => process.exit(0))
