// SPDX-License-Identifier: Apache-2.0

/**
 * A stream as chunks to be awaited. Node's own iterator calls a stream cut short when it was closed
 * before anybody began to read, though all of it is there; here only the end tells.
 *
 * @module
 */

import type { Readable } from 'node:stream'
import { NodeError } from '../errors.ts'

/**
 * Yields what a stream holds, one chunk for each step; the stream waits in between. Stopping early
 * gives the stream up.
 *
 * @throws NodeError control-unreachable when the stream is cut
 */
export async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = []
  let isOver = false
  let failure: Error | undefined
  let wake = (): void => undefined
  const onData = (chunk: Uint8Array): void => {
    waiting.push(chunk)
    stream.pause()
    wake()
  }
  const onEnd = (): void => {
    isOver = true
    wake()
  }
  const onClose = (): void => {
    if (!isOver) failure ??= new NodeError('control-unreachable', 'The stream was cut')
    wake()
  }
  const onError = (cause: Error): void => {
    failure ??= new NodeError('control-unreachable', `The stream failed: ${cause.message}`, {
      cause,
    })
    wake()
  }
  stream.on('data', onData)
  stream.on('end', onEnd)
  stream.on('close', onClose)
  stream.on('error', onError)
  try {
    for (;;) {
      const chunk = waiting.shift()
      if (chunk !== undefined) yield chunk
      else if (isOver) return
      else if (failure !== undefined) throw failure
      else {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        stream.resume()
        await woken
      }
    }
  } finally {
    stream.off('data', onData)
    stream.off('end', onEnd)
    stream.off('close', onClose)
    if (!isOver) stream.destroy()
  }
}
