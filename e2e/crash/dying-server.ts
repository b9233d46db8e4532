// SPDX-License-Identifier: Apache-2.0

/**
 * A server that kills itself with signal 9 at a commit of its real database: right before it, or
 * right after it and before anybody is told. Started by `commit-points.test.ts`.
 *
 * @module
 */

import { createLogger, startControl } from '@signet/control'

/** When to die: at the n-th commit, counted from now, that changes the lock or lets a node in. */
export interface Death {
  readonly fault: 'before' | 'after'
  readonly commit: number
}

const [stateDir = '', port = '0'] = process.argv.slice(2)
let death: Death | undefined
let commits = 0

/** What nodes report about themselves is stored at any time and is nobody's acknowledgement. */
const counted = /"(use|move)":|"put":"(authority|aum|pending-init)"/

const control = await startControl({
  stateDir,
  listen: { host: '127.0.0.1', port: Number(port) },
  logger: createLogger('error', (line) => process.stderr.write(line)),
  wrapStore: (store) => ({
    tailnets: () => store.tailnets(),
    users: (id) => store.users(id),
    nodes: (id) => store.nodes(id),
    preAuthKeys: (id) => store.preAuthKeys(id),
    authorities: (id) => store.authorities(id),
    aums: (id) => store.aums(id),
    pendingInits: (id) => store.pendingInits(id),
    lastIds: () => store.lastIds(),
    close: () => store.close(),
    commit(writes) {
      const text = JSON.stringify(writes, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      const isNow = death !== undefined && counted.test(text) && commits++ === death.commit
      if (isNow && death?.fault === 'before') process.kill(process.pid, 'SIGKILL')
      store.commit(writes)
      if (isNow) process.kill(process.pid, 'SIGKILL')
    },
  }),
})

process.on('message', (message) => {
  death = message as Death
  commits = 0
  process.send?.('armed')
})
process.send?.(control.port)
