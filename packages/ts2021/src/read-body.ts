// SPDX-License-Identifier: Apache-2.0

/**
 * Whole bodies with a limit.
 *
 * @module
 */

import type { Readable } from 'node:stream'
import { Ts2021Error } from './errors.ts'

const FIRST_ROOM = 4096

/** Settings of {@link readBody}. */
export interface ReadBodyOptions {
  /** Gives up the reading: a client may send its body as slowly as it likes. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads a stream to its end. On an error the stream is left paused, so that a server can still
 * answer; whoever owns it closes it.
 *
 * @throws Ts2021Error `body-too-large` beyond `limit` bytes; `closed` if the stream is cut;
 *   `timeout` if the signal says so
 */
export function readBody(
  stream: Readable,
  limit: number,
  { signal }: ReadBodyOptions = {},
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // Copied together as it comes: a body of single bytes must not cost a buffer for each.
    let body = new Uint8Array(Math.min(limit, FIRST_ROOM))
    let size = 0
    const finish = (act: () => void): void => {
      stream.off('data', onData)
      stream.off('end', onEnd)
      stream.off('error', onError)
      stream.off('aborted', onCut)
      stream.off('close', onCut)
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    const onData = (chunk: Uint8Array): void => {
      const end = size + chunk.length
      if (end <= limit) {
        if (end > body.length) body = enlarge(body, Math.min(limit, Math.max(end, 2 * body.length)))
        body.set(chunk, size)
        size = end
        return
      }
      stream.pause()
      finish(() =>
        reject(new Ts2021Error('body-too-large', `Cannot read body: over ${limit} bytes`)),
      )
    }
    const onEnd = (): void => {
      if (wasCut(stream)) onCut()
      else finish(() => resolve(body.slice(0, size)))
    }
    const onError = (cause: Error): void =>
      finish(() => reject(new Ts2021Error('closed', 'Cannot read body: stream failed', { cause })))
    const onCut = (): void =>
      finish(() => reject(new Ts2021Error('closed', 'Cannot read body: stream was cut')))
    const onAbort = (): void => {
      stream.pause()
      finish(() => reject(new Ts2021Error('timeout', 'Cannot read body: given up')))
    }
    if (signal?.aborted === true) {
      onAbort()
      return
    }
    if (stream.readableEnded) {
      onEnd()
      return
    }
    if (stream.destroyed) {
      onCut()
      return
    }
    signal?.addEventListener('abort', onAbort)
    stream.on('data', onData)
    stream.on('end', onEnd)
    stream.on('error', onError)
    stream.on('aborted', onCut)
    stream.on('close', onCut)
  })
}

/**
 * Node ends an HTTP/2 stream that was reset, or whose connection broke, like one that is whole. What
 * tells them apart is the reset code.
 */
function wasCut(stream: Readable): boolean {
  return 'rstCode' in stream && stream.rstCode !== 0
}

function enlarge(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  out.set(bytes)
  return out
}
