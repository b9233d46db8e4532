// SPDX-License-Identifier: Apache-2.0

/**
 * Frames into an HTTP/2 stream, with its own back-pressure.
 *
 * @module
 */

import type { ServerStream } from '@signet/ts2021'
import type { FrameSink } from '../map/session.ts'

/** A sink that writes to this stream. */
export function streamSink(stream: ServerStream): FrameSink {
  return {
    write: (...frame) => stream.write(...frame),
    onDrain: (resume) => stream.onDrain(resume),
    end: () => stream.end(),
    destroy: () => stream.reset(),
  }
}
