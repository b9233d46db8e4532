// SPDX-License-Identifier: Apache-2.0

/**
 * The map stream: one request whose answer never ends. Messages are framed, compressed one by one;
 * a server that says nothing for two minutes is taken for dead.
 *
 * @module
 */

import { zstdDecompressSync } from 'node:zlib'
import {
  encodeMapRequest,
  MapFrameReader,
  parseMapResponse,
  type MapRequest,
  type MapResponse,
} from '@signet/protocol'
import type { Clock } from '../clock.ts'
import { NodeError, reasonOf } from '../errors.ts'
import { mapSilenceMs } from '../limits.ts'
import { refuse, type ControlLink } from './link.ts'

/** What a stream needs. */
export type MapStreamOptions = {
  readonly link: ControlLink
  readonly clock: Clock
  readonly request: MapRequest
  readonly signal: AbortSignal
}

/**
 * Yields the messages of one stream until it ends. Keep-alives are not told.
 *
 * @throws NodeError control-unreachable when the server falls silent or the stream is cut,
 *   control-protocol when it sends what cannot be read, control-refused
 */
export async function* mapMessages(options: MapStreamOptions): AsyncGenerator<MapResponse> {
  const { link, clock, request, signal } = options
  const silence = new AbortController()
  let cancel = (): void => undefined
  const listen = (): void => {
    cancel()
    cancel = clock.schedule(mapSilenceMs, () => {
      silence.abort(new NodeError('control-unreachable', 'The server has fallen silent'))
    })
  }
  listen()
  try {
    const reply = await link.request({
      method: 'POST',
      path: '/machine/map',
      body: encodeMapRequest(request),
      headers: { 'ts-lb': request.NodeKey },
      signal: AbortSignal.any([silence.signal, signal]),
    })
    if (reply.status !== 200) await refuse(reply, clock.now)
    const frames = new MapFrameReader({ decompress })
    for await (const chunk of reply.chunks()) {
      for (const payload of frames.push(chunk)) {
        listen()
        const message = parseMapResponse(payload)
        if (!isKeepAlive(message)) yield message
      }
    }
    frames.end()
  } catch (cause) {
    throw explain(cause, silence.signal)
  } finally {
    cancel()
  }
}

/** A keep-alive may carry odds and ends, but never a part of the map. */
function isKeepAlive(message: MapResponse): boolean {
  return message.KeepAlive === true
}

function decompress(payload: Uint8Array, limit: number): Uint8Array {
  return zstdDecompressSync(payload, { maxOutputLength: limit })
}

function explain(cause: unknown, silence: AbortSignal): unknown {
  if (silence.aborted) return silence.reason
  if (cause instanceof NodeError) return cause
  if (cause instanceof Error && cause.name === 'ProtocolError') {
    return new NodeError('control-protocol', `Cannot read the map: ${cause.message}`, { cause })
  }
  return new NodeError('control-unreachable', `The map stream ended: ${reasonOf(cause)}`, { cause })
}
