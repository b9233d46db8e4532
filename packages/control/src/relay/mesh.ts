// SPDX-License-Identifier: Apache-2.0

/**
 * Connections to the other relays of the region: one to each, made again whenever it breaks.
 *
 * @module
 */

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { Socket } from 'node:net'
import type { Logger } from 'pino'
import { DerpError } from '@signet/derp'
import type { MeshLink, Relay } from '@signet/derp'
import type { Clock } from '../clock.ts'
import {
  MESH_CONNECT_DEADLINE_MS,
  MESH_RETRY_MAX_MS,
  MESH_RETRY_MIN_MS,
  MESH_SILENCE_MS,
  MESH_WRITE_DEADLINE_MS,
} from './limits.ts'
import { socketTransport } from './socket-transport.ts'

/** How one of the connections stands. */
export interface MeshStatus {
  readonly url: string
  /** `own` is this server under another name: it is not dialled again. */
  readonly state: 'connecting' | 'connected' | 'waiting' | 'own'
  /** Keys that are connected there. */
  readonly clients: number
  /** Packets that were lost because the other relay did not read. */
  readonly dropped: number
  /** Why it last broke; null if it never did. */
  readonly problem: string | null
}

/** The connections. */
export interface Mesh extends Disposable {
  status(): readonly MeshStatus[]
}

/** What they need. */
export interface MeshOptions {
  readonly relay: Relay
  readonly urls: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /** Between 0 and 1. */
  readonly random?: (() => number) | undefined
}

/** Connects to every one of them, now and from now on. */
export function startMesh(options: MeshOptions): Mesh {
  const links = options.urls.map((url) => keepLink(options, url))
  return {
    status: () => links.map((link) => link.status()),
    [Symbol.dispose]() {
      for (const link of links) link[Symbol.dispose]()
    },
  }
}

interface KeptLink extends Disposable {
  status(): MeshStatus
}

function keepLink(options: MeshOptions, url: string): KeptLink {
  const { relay, clock, logger, random = Math.random } = options
  let state: MeshStatus['state'] = 'connecting'
  let problem: string | null = null
  let link: MeshLink | undefined
  let failures = 0
  let dropped = 0
  let isOver = false
  /** Ends what is under way: a request, a connection or a wait. */
  let stop: () => void = () => {}

  function dial(): void {
    state = 'connecting'
    const request = askForUpgrade(url)
    const cancel = clock.schedule(MESH_CONNECT_DEADLINE_MS, () =>
      request.destroy(new Error('no answer in time')),
    )
    stop = () => void request.destroy()
    request.once('upgrade', (_response, socket, head) => {
      cancel()
      carry(socket, head)
    })
    request.once('response', (response) => {
      response.resume()
      request.destroy(new Error(`status ${response.statusCode}, expected an upgrade`))
    })
    request.once('error', (error) => {
      cancel()
      retry(error.message)
    })
    request.end()
  }

  function carry(socket: Duplex, head: Buffer): void {
    if (isOver) {
      socket.destroy()
      return
    }
    let reason = 'the connection was closed'
    let heardAt = clock.now()
    if (socket instanceof Socket) {
      socket.setTimeout(0)
      socket.setNoDelay(true)
    }
    const current = relay.link(socketTransport(socket, clock, () => MESH_WRITE_DEADLINE_MS))
    link = current
    stop = () => void socket.destroy()
    const end = (why: string): void => {
      reason = why
      socket.destroy()
    }
    // It has to introduce itself soon, and to say something every minute.
    const listen = (): void => {
      const patience = current.isReady ? MESH_SILENCE_MS : MESH_CONNECT_DEADLINE_MS
      const left = heardAt + patience - clock.now()
      if (left <= 0) end('it said nothing for too long')
      else cancelListen = clock.schedule(left, listen)
    }
    let cancelListen = clock.schedule(MESH_CONNECT_DEADLINE_MS, listen)
    const take = (chunk: Uint8Array): void => {
      if (socket.destroyed) return
      try {
        current.receive(chunk)
      } catch (error) {
        if (error instanceof DerpError && error.code === 'own-relay') state = 'own'
        end(error instanceof Error ? error.message : String(error))
        return
      }
      heardAt = clock.now()
      if (!current.isReady || state === 'connected') return
      state = 'connected'
      failures = 0
      logger.info({ url }, 'linked to another relay')
    }
    socket.on('data', take)
    socket.on('drain', () => current.drain())
    socket.on('error', (error) => end(error.message))
    socket.on('end', () => socket.destroy())
    socket.once('close', () => {
      cancelListen()
      dropped += current.dropped
      link = undefined
      current.closed()
      retry(reason)
    })
    if (head.length > 0) take(head)
  }

  function retry(reason: string): void {
    if (isOver || state === 'waiting') return
    if (state === 'own') {
      logger.info({ url }, 'this relay is this server itself; not linked')
      return
    }
    state = 'waiting'
    problem = reason
    const longest = Math.min(MESH_RETRY_MAX_MS, MESH_RETRY_MIN_MS * 2 ** Math.min(failures, 10))
    failures++
    const delay = longest * (1 - random() / 2)
    logger.warn({ url, reason, retryInMs: Math.round(delay) }, 'not linked to another relay')
    stop = clock.schedule(delay, dial)
  }

  dial()
  return {
    status: () => ({
      url,
      state,
      clients: link?.size ?? 0,
      dropped: dropped + (link?.dropped ?? 0),
      problem,
    }),
    [Symbol.dispose]() {
      isOver = true
      stop()
    },
  }
}

function askForUpgrade(url: string): ClientRequest {
  const { protocol } = new URL(url)
  const target = new URL('/derp', url)
  const ask = protocol === 'https:' ? httpsRequest : httpRequest
  return ask(target, {
    agent: false,
    headers: { Upgrade: 'DERP', Connection: 'Upgrade' },
  })
}
