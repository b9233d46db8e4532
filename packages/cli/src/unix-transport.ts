// SPDX-License-Identifier: Apache-2.0

/**
 * HTTP over a unix socket: how the command line reaches a node or a server on this machine.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { ApiReply, ApiRequest, ApiTransport } from '@signet/protocol/local-api'
import { CliError } from './errors.ts'

// Not imported: an import reads every export of node:http, and some of them load a web client that
// is not used here. That doubles the time in which a command starts.
const { request: httpRequest } = process.getBuiltinModule('node:http')

/** What to connect to, and how errors call it. */
export interface UnixTransportOptions {
  readonly socket: string
  /** The host name that the API expects. */
  readonly host: string
  /** 'the Signet node', 'the Signet server'. */
  readonly peer: string
  /** What to do when nobody listens. */
  readonly hint: string
  readonly signal: AbortSignal
}

/** Returns a transport over the socket. A socket that nobody serves is CliError `not-running`. */
export function createUnixTransport(options: UnixTransportOptions): ApiTransport {
  return {
    request: async (request) => {
      const response = await send(request, options)
      return {
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? '',
        body: await readAll(response, options),
      } satisfies ApiReply
    },
    lines: (request) => ({ [Symbol.asyncIterator]: () => openLines(request, options) }),
  }
}

/** Not a generator: stopping one would wait for the next line. */
function openLines(request: ApiRequest, options: UnixTransportOptions): AsyncIterator<string> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const chunks = readLines(request, { ...options, signal })
  return {
    next: async () => {
      try {
        return await chunks.next()
      } catch (error) {
        if (stop.signal.aborted) return { done: true, value: undefined }
        throw error
      }
    },
    return: async () => {
      stop.abort()
      return { done: true, value: undefined }
    },
  }
}

async function* readLines(
  request: ApiRequest,
  options: UnixTransportOptions,
): AsyncGenerator<string, undefined> {
  const response = await send(request, options)
  if (response.statusCode !== 200) {
    const said = new TextDecoder().decode(await readAll(response, options)).trim()
    const line = `${response.statusCode ?? 0} ${response.statusMessage ?? ''}`
    throw new CliError('refused', `${line.trim()}: ${said}`)
  }
  response.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (cause) {
    throw lost(options, cause)
  }
  if (rest !== '') yield rest
  return undefined
}

function send(request: ApiRequest, options: UnixTransportOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const body = request.body === undefined ? undefined : Buffer.from(request.body)
  const outgoing = httpRequest({
    socketPath: options.socket,
    method: request.method,
    path: request.path,
    headers: {
      Host: options.host,
      ...(body !== undefined && { 'Content-Length': body.length }),
      ...(typeof request.body === 'string' && { 'Content-Type': 'application/json' }),
    },
    agent: false,
    signal: options.signal,
  })
  outgoing.on('response', resolve)
  outgoing.on('error', (cause: NodeJS.ErrnoException) => {
    reject(connectError(cause, options))
  })
  outgoing.end(body)
  return promise
}

function connectError(cause: NodeJS.ErrnoException, options: UnixTransportOptions): CliError {
  if (options.signal.aborted) return new CliError('interrupted', 'Interrupted', { cause })
  const attempt = `Cannot reach ${options.peer} at ${options.socket}`
  switch (cause.code) {
    case 'ENOENT':
      return new CliError('not-running', `${attempt}: there is no such socket`, {
        cause,
        hint: options.hint,
      })
    case 'ECONNREFUSED':
      return new CliError('not-running', `${attempt}: nothing listens there`, {
        cause,
        hint: options.hint,
      })
    case 'EACCES':
    case 'EPERM':
      return new CliError('denied', `${attempt}: permission denied`, {
        cause,
        hint: 'Run the command as the user who runs it, or as root.',
      })
    default:
      return new CliError('not-reachable', `${attempt}: ${cause.message}`, { cause })
  }
}

async function readAll(
  response: IncomingMessage,
  options: UnixTransportOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Uint8Array)
  } catch (cause) {
    throw lost(options, cause)
  }
  return Buffer.concat(chunks)
}

function lost(options: UnixTransportOptions, cause: unknown): CliError {
  if (options.signal.aborted) return new CliError('interrupted', 'Interrupted', { cause })
  return new CliError(
    'not-reachable',
    `Lost the connection to ${options.peer} at ${options.socket}`,
    {
      cause,
      hint: 'It was stopped or has crashed: look at its log.',
    },
  )
}
