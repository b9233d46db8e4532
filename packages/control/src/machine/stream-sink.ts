// SPDX-License-Identifier: Apache-2.0

/**
 * Frames into an HTTP/2 stream, with its own back-pressure.
 *
 * @module
 */

import { constants } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { FrameSink } from '../map/session.ts'

/** A sink that writes to this stream. */
export function streamSink(stream: ServerHttp2Stream): FrameSink {
  return {
    write: (frame) => !stream.writable || stream.write(frame),
    onDrain(resume) {
      stream.on('drain', resume)
    },
    end() {
      if (!stream.writableEnded && !stream.destroyed) stream.end()
    },
    destroy() {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
    },
  }
}
