// SPDX-License-Identifier: Apache-2.0

/**
 * The line to whatever server is set, and the lock's calls over it.
 *
 * @module
 */

import { nodePublicOf } from '@signet/keys'
import type { Clock } from '../clock.ts'
import type { LockRpc } from '../lock/lock-rpc.ts'
import { requireNodeKey, type StateFile } from '../state-file.ts'
import { createDialer, type DialerOptions } from './dial.ts'
import { capabilityVersion } from './hostinfo.ts'
import { createControlLink, type ControlLink, type DialControl } from './link.ts'
import { createLockCalls } from './lock-calls.ts'

/** What a line needs. */
export type ServerLineOptions = {
  readonly stateFile: StateFile
  readonly clock: Clock
  /** Ends all calls. */
  readonly signal: AbortSignal
  readonly createDialer?: ((options: DialerOptions) => DialControl) | undefined
}

/** Creates a line that is dialled when it is used. */
export function createServerLine(options: ServerLineOptions): {
  readonly link: ControlLink
  readonly rpc: LockRpc
} {
  const { stateFile, clock, signal, createDialer: create = createDialer } = options
  let dial: DialControl | undefined
  let dialled = ''
  const link = createControlLink((until) => {
    const { machineKey, prefs } = stateFile.get()
    const url = prefs.ControlURL
    // Another server is another dialler: what it knows is about one.
    if (dial === undefined || url !== dialled) {
      dial = create({ url, machineKey, capability: capabilityVersion })
      dialled = url
    }
    return dial(until)
  })
  const rpc = createLockCalls({
    link,
    clock,
    signal,
    capability: capabilityVersion,
    nodeKey: () => nodePublicOf(requireNodeKey(stateFile.get())),
  })
  return { link, rpc }
}
