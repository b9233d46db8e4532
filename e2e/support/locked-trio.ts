// SPDX-License-Identifier: Apache-2.0

/**
 * Where most lies are told: three nodes under one lock, of which the first two hold its keys, and a stranger who wants
 * in.
 *
 * @module
 */

import { createLyingTailnet, type LyingTailnet, type Victim } from './lying-tailnet.ts'
import { createRogue, type Rogue } from './rogue.ts'

/** See the module comment. */
export interface LockedTrio extends AsyncDisposable {
  readonly tailnet: LyingTailnet
  readonly a: Victim
  readonly b: Victim
  readonly c: Victim
  readonly rogue: Rogue
}

/** Makes them; nobody has lied to them yet. */
export async function createLockedTrio(): Promise<LockedTrio> {
  const tailnet = await createLyingTailnet()
  const a = await tailnet.join('a')
  const b = await tailnet.join('b')
  const c = await tailnet.join('c')
  await tailnet.lock(a, b)
  const rogue = await createRogue()
  return {
    tailnet,
    a,
    b,
    c,
    rogue,
    async [Symbol.asyncDispose]() {
      await rogue[Symbol.asyncDispose]()
      await tailnet.close()
    },
  }
}
