// SPDX-License-Identifier: Apache-2.0

/**
 * The local API's socket: who can open the file is the node's owner, nobody else can (mode 0600).
 * Paths, shapes and headers are those of the official client.
 *
 * @module
 */

import { chmodSync, existsSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { NodeError, reasonOf } from '../errors.ts'
import { isLocalCall } from './guard.ts'
import {
  maxBodyBytes,
  replyBytes,
  textReply,
  type ApiMethod,
  type ApiReply,
  type ApiRoute,
} from './http.ts'
import { statusOfError } from './error-status.ts'

/** The prefix of every path. */
export const apiPrefix = '/localapi/v0/'

/** A watcher that leaves more than this unread is cut off. */
const maxUnreadBytes = 4 * 1024 * 1024

/** What the server needs. */
export type LocalApiOptions = {
  readonly socketPath: string
  readonly routes: readonly ApiRoute[]
  /** Header Tailscale-Version; official programs warn when it differs from theirs. */
  readonly version: string
  /** Header Tailscale-Cap. */
  readonly capability: number
  /** Called with what went wrong inside a call, never with a body. */
  readonly onError: (path: string, error: unknown) => void
}

/** A listening local API. */
export type LocalApiServer = { close(): Promise<void> }

/** Starts to listen. @throws NodeError state-in-use when a live process answers on that socket */
export async function serveLocalApi(options: LocalApiOptions): Promise<LocalApiServer> {
  await removeStaleSocket(options.socketPath)
  const routes = new Map(options.routes.map((route) => [apiPrefix + route.path, route]))
  const server = createServer((request, response) => {
    answer(request, response, routes, options).catch((error: unknown) => {
      options.onError(request.url ?? '', error)
      response.destroy()
    })
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  await listen(server, options.socketPath)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** Binds with a mask, so that the socket is never open to others, not even for a moment. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(
        new NodeError('state-io', `Cannot listen on ${path}: ${error.message}`, { cause: error }),
      )
    }
    server.once('error', fail)
    const mask = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', fail)
        chmodSync(path, 0o600)
        resolve()
      })
    } finally {
      process.umask(mask)
    }
  })
}

/** A socket file of a dead process is in the way; one of a live process is somebody else's. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => {
      resolve(false)
    })
  })
  if (alive) throw new NodeError('state-in-use', `Another node answers on ${path}`)
  rmSync(path, { force: true })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, ApiRoute>,
  options: LocalApiOptions,
): Promise<void> {
  response.setHeader('Tailscale-Version', options.version)
  response.setHeader('Tailscale-Cap', String(options.capability))
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  await send(response, await dispatch(request, routes, options, gone.signal), gone.signal)
}

async function dispatch(
  request: IncomingMessage,
  routes: ReadonlyMap<string, ApiRoute>,
  options: LocalApiOptions,
  signal: AbortSignal,
): Promise<ApiReply> {
  if (!isLocalCall(request.headers)) return textReply(403, 'invalid localapi request')
  const url = new URL(request.url ?? '/', 'http://localhost')
  const route = routes.get(url.pathname)
  if (route === undefined) return textReply(404, '404 page not found')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const run = route.methods[method as ApiMethod]
  if (run === undefined) {
    return textReply(405, `use ${Object.keys(route.methods).join(' or ')}`)
  }
  const body = await readBody(request, route.bodyLimit ?? maxBodyBytes)
  if (body === undefined) return textReply(413, 'request body too large')
  try {
    return await run({ query: url.searchParams, body, signal })
  } catch (error) {
    options.onError(url.pathname, error)
    return textReply(statusOfError(error), reasonOf(error))
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

async function send(response: ServerResponse, reply: ApiReply, signal: AbortSignal): Promise<void> {
  if (reply.type !== undefined) response.setHeader('Content-Type', reply.type)
  response.writeHead(reply.status)
  if (reply.stream === undefined) {
    response.end(reply.body === undefined ? undefined : replyBytes(reply.body))
    return
  }
  response.flushHeaders()
  const write = (text: string): void => {
    if (!response.write(text) && response.writableLength > maxUnreadBytes) response.destroy()
  }
  await reply.stream(write, signal)
  response.end()
}
