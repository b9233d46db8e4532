// SPDX-License-Identifier: Apache-2.0

/** Every store, against the one contract. */

import { testAumStore } from '@signet/testkit/aum-store'
import { createLogStore, createMemoryStore, openLogStore, openProfileStore } from '../src/index.ts'
import { memoryDirectory, memoryFile } from './support/memory-files.ts'

testAumStore('createMemoryStore()', (now) => ({ store: createMemoryStore({ now }) }))

testAumStore('createLogStore()', (now) => {
  const file = memoryFile()
  return { store: createLogStore(file, { now }), reopen: () => openLogStore(file, { now }) }
})

testAumStore('openProfileStore()', (now) => {
  const directory = memoryDirectory()
  const open = (): ReturnType<typeof openProfileStore> => openProfileStore(directory, { now })
  return { store: open(), reopen: open }
})
