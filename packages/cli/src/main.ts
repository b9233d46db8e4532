// SPDX-License-Identifier: Apache-2.0

/**
 * The `signet` program.
 *
 * @module
 */

import { processIo } from './io.ts'
import { run } from './run.ts'

// Exits at once: a call that was given up must not keep the process waiting for its answer.
process.exit(await run(process.argv.slice(2), processIo()))
