// SPDX-License-Identifier: Apache-2.0

/**
 * The admin API on a unix socket, mode 0600: whoever can open it owns the server.
 *
 * @module
 */

import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { ControlError } from '../errors.ts'
import type { AdminServices } from './services.ts'
import { adminApp } from './app.ts'

/** Listens on a socket file. @throws ControlError 'state-dir' when another server listens on it */
export async function listenAdmin(path: string, services: AdminServices): Promise<AsyncDisposable> {
  if (await isAnswering(path)) {
    throw new ControlError('state-dir', `Cannot listen on ${path}: something answers there already`)
  }
  rmSync(path, { force: true })
  const listener = getRequestListener(adminApp(services).fetch)
  const server = createServer((request, response) => void listener(request, response))
  // Created unreadable for others from the first instant.
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } catch (cause) {
    throw new ControlError('state-dir', `Cannot listen on ${path}`, { cause })
  } finally {
    process.umask(mask)
  }
  chmodSync(path, 0o600)
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
