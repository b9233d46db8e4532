// SPDX-License-Identifier: Apache-2.0

/**
 * A real client on a real socket: Noise handshake, HTTP/2, JSON, against a server that was started as users
 * start it.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import pino from 'pino'
import { decodeUtf8 } from '@signet/codec'
import {
  generateMachineKey,
  generateNodeKey,
  generateLockKey,
  lockPublicOf,
  nodePublicOf,
} from '@signet/keys'
import { MapFrameReader, parseMapResponse } from '@signet/protocol'
import type { MapResponse } from '@signet/protocol'
import { dialControl } from '@signet/ts2021'
import type { ControlConnection } from '@signet/ts2021'
import { startControl } from '../../src/index.ts'
import type { Control, ControlOptions } from '../../src/index.ts'
import type { LooseJson } from './json.ts'

/** A server in a directory of its own. */
export interface RealServer extends AsyncDisposable {
  readonly control: Control
  readonly dir: string
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; json: LooseJson }>
  authKey(spec?: Record<string, unknown>): Promise<string>
  /** Stops the server, and starts another on the same directory and port. */
  restart(): Promise<void>
}

/** Starts a server on a free port. */
export async function startRealServer(options: Partial<ControlOptions> = {}): Promise<RealServer> {
  const dir = mkdtempSync(join(tmpdir(), 'signet-control-'))
  const start = (port: number): Promise<Control> =>
    startControl({
      stateDir: dir,
      listen: { host: '127.0.0.1', port },
      logger: pino({ level: 'silent' }),
      ...options,
    })
  let control = await start(0)
  const server: RealServer = {
    get control() {
      return control
    },
    dir,
    admin: (method, path, body) => callAdmin(join(dir, 'admin.sock'), method, path, body),
    async authKey(spec = {}) {
      const { json } = await server.admin('POST', '/keys', { reusable: true, ...spec })
      return json.key
    },
    async restart() {
      const { port } = control
      await control.close()
      control = await start(port)
    },
    async [Symbol.asyncDispose]() {
      await control.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return server
}

function callAdmin(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; json: LooseJson }> {
  return new Promise((resolve, reject) => {
    // No connection is kept: the server may have been restarted since.
    const target = { socketPath, method, path: `/api/v1${path}`, agent: false as const }
    const request = httpRequest(target, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) })
      })
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The answer to a map request without a stream is a frame, which is not text. */
function lenientText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

/** One machine with a connection. */
export async function connectMachine(server: RealServer, name: string) {
  const machineKey = generateMachineKey()
  const lockKey = generateLockKey()
  let nodeKey = generateNodeKey()
  const dial = (): Promise<ControlConnection> =>
    dialControl({
      url: server.control.url,
      machineKey,
      serverKey: server.control.publicKey,
      version: 145,
    })
  let connection = await dial()
  const post = async (
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
  ): Promise<{ status: number; text: string }> => {
    const response = await connection.request({
      method,
      path,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      authority: path.includes('/tka/') ? 'unused' : undefined,
    })
    return { status: response.status, text: lenientText(await response.body(10 << 20)) }
  }
  return {
    name,
    machineKey,
    lockKey,
    get nodePublic() {
      return nodePublicOf(nodeKey)
    },
    get connection() {
      return connection
    },
    async redial() {
      connection.close()
      connection = await dial()
    },
    newNodeKey() {
      nodeKey = generateNodeKey()
    },
    post,
    async register(authKey: string | null, fields: Record<string, unknown> = {}) {
      const reply = await post('POST', '/machine/register', {
        Version: 145,
        NodeKey: nodePublicOf(nodeKey),
        NLKey: lockPublicOf(lockKey),
        ...(authKey !== null && { Auth: { AuthKey: authKey } }),
        Expiry: '0001-01-01T00:00:00Z',
        Hostinfo: { OS: 'linux', Hostname: name },
        ...fields,
      })
      return {
        status: reply.status,
        json: reply.status === 200 ? JSON.parse(reply.text) : null,
        text: reply.text,
      }
    },
    report: (fields: Record<string, unknown> = {}) =>
      post('POST', '/machine/map', {
        Version: 145,
        NodeKey: nodePublicOf(nodeKey),
        Compress: 'zstd',
        OmitPeers: true,
        Hostinfo: { OS: 'linux', Hostname: name },
        ...fields,
      }),
    tka: (path: string, fields: Record<string, unknown> = {}) =>
      post('GET', `/machine/tka/${path}`, {
        Version: 145,
        NodeKey: nodePublicOf(nodeKey),
        ...fields,
      }),
    /** Opens a stream; messages come by `next`. */
    async stream(fields: Record<string, unknown> = {}): Promise<MapStream> {
      const abort = new AbortController()
      const response = await connection.request({
        method: 'POST',
        path: '/machine/map',
        signal: abort.signal,
        body: JSON.stringify({
          Version: 145,
          NodeKey: nodePublicOf(nodeKey),
          Compress: 'zstd',
          KeepAlive: true,
          Stream: true,
          ...fields,
        }),
      })
      if (response.status !== 200) {
        throw new Error(`${response.status} ${decodeUtf8(await response.body(1 << 20))}`)
      }
      return readStream(response.stream, abort)
    },
    close: () => connection.close(),
  }
}

/** An open map stream. */
export interface MapStream {
  /** The next message that satisfies the condition; those before it are dropped. */
  next(wanted?: (message: MapResponse) => boolean): Promise<MapResponse>
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  cancel(): void
  /** Stops reading from the socket, and goes on. */
  pause(): void
  resume(): void
}

function readStream(stream: NodeJS.ReadableStream, abort: AbortController): MapStream {
  const reader = new MapFrameReader({ decompress: (bytes) => zstdDecompressSync(bytes) })
  const messages: MapResponse[] = []
  let wake: () => void = () => {}
  let isOver = false
  stream.on('data', (chunk: Buffer) => {
    for (const payload of reader.push(chunk)) messages.push(parseMapResponse(payload))
    wake()
  })
  const ended = new Promise<void>((resolve) => {
    stream.on('close', () => {
      isOver = true
      wake()
      resolve()
    })
  })
  return {
    ended,
    cancel: () => abort.abort(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    async next(wanted = () => true) {
      for (;;) {
        for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
          if (wanted(message)) return message
        }
        if (isOver) throw new Error('The stream has ended')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
