// SPDX-License-Identifier: Apache-2.0

/**
 * The server's side of one HTTP/2 connection (RFC 9113), sans-I/O: bytes in, bytes out.
 *
 * It is as much of the protocol as clients of a control server use. The server never pushes, gives no
 * priorities, and leaves the client's header table empty. What a client can make it keep is bounded: one frame,
 * one header block, a window for each stream, and a transport that is full stops everything that waits.
 *
 * @module
 */

import {
  MAX_HEADER_BYTES,
  MAX_HEADER_PAIRS,
  MAX_UNREAD_BYTES,
  MIN_WINDOW_STEP,
  RESET_DELAY,
} from '../limits.ts'
import { Budget } from './budget.ts'
import { Http2Code, Http2Error } from './errors.ts'
import { FrameReader } from './frame-reader.ts'
import {
  encodeFrame,
  encodeSettings,
  FIRST_WINDOW,
  Flag,
  type Frame,
  FRAME_HEADER,
  FrameType,
  MAX_FRAME_PAYLOAD,
  MAX_WINDOW,
  readUint32,
  Setting,
  uint32,
  withoutPadding,
  writeFrame,
} from './frames.ts'
import { encodeHeaders, type HeaderField, HpackDecoder } from './hpack.ts'
import { requestHeaders } from './request-headers.ts'
import { Http2Stream, type ServerStream, type StreamHost } from './stream.ts'

/** Where the bytes of a connection go. */
export interface Http2Output {
  /** Takes bytes; what they are in may be used again afterwards. */
  send(bytes: Uint8Array): void
  /** Whether the other side should read before it is sent more. */
  readonly congested: boolean
  /** Bytes that were taken and not yet sent. */
  readonly backlog: number
  /** Ends the connection after what was sent. */
  close(error: Error): void
}

/** What a connection works with. */
export interface Http2ConnectionOptions {
  readonly output: Http2Output
  readonly onStream: (stream: ServerStream) => void
  /** Told what the client did wrong, for logs. */
  readonly onError: (error: Error) => void
  readonly maxConcurrentStreams: number
  /** Milliseconds. */
  readonly now: () => number
}

const EMPTY = new Uint8Array()
/** Sent together, so that a large answer does not cost a write for each frame. */
const GATHER = 4 * MAX_FRAME_PAYLOAD
/** Where a frame is put together: what leaves here is copied before the next. */
const scratch: Buffer = Buffer.allocUnsafeSlow(GATHER + 2 * (FRAME_HEADER + MAX_FRAME_PAYLOAD))
/** The part of it that was sent last. */
let filled: Buffer = scratch

/** One connection. */
export class Http2Connection implements StreamHost {
  readonly #options: Http2ConnectionOptions
  readonly #reader = new FrameReader()
  readonly #hpack = new HpackDecoder({ pairs: MAX_HEADER_PAIRS, bytes: MAX_HEADER_BYTES })
  readonly #budget: Budget
  readonly #streams = new Map<number, Http2Stream>()
  /** Those that have something to send, or wait until all was taken. */
  readonly #waiting = new Set<Http2Stream>()
  #lastStream = 0
  #sendWindow = FIRST_WINDOW
  #receiveWindow = FIRST_WINDOW
  /** The window that the client gives each new stream. */
  #firstSendWindow = FIRST_WINDOW
  /** A header block that is not whole, and the stream that it is for. */
  #block: Uint8Array = EMPTY
  #blockOf: { readonly stream: number; readonly isLast: boolean } | undefined
  #hasSettings = false
  #over = false
  /** Small frames that leave together with the next, or at the end of the turn. */
  #pending: Uint8Array[] = []
  #inReceive = false
  #flushIsDue = false

  constructor(options: Http2ConnectionOptions) {
    this.#options = options
    this.#budget = new Budget(options.now)
    const settings = encodeSettings([
      [Setting.MaxConcurrentStreams, options.maxConcurrentStreams],
      [Setting.MaxHeaderListSize, MAX_HEADER_BYTES],
    ])
    this.#later(encodeFrame(FrameType.Settings, 0, 0, settings))
  }

  /** Whether the client has begun to speak HTTP/2. */
  get started(): boolean {
    return this.#hasSettings
  }

  /** Takes bytes from the client. Never throws. */
  receive(chunk: Uint8Array): void {
    if (this.#over) return
    this.#inReceive = true
    try {
      this.#reader.push(chunk, (frame) => {
        if (!this.#over) this.#onFrame(frame)
      })
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.#fail(error)
    } finally {
      this.#inReceive = false
    }
    this.#flush()
  }

  /** The output can take more. */
  drained(): void {
    if (!this.#over) this.#pumpAll()
  }

  /** The output is gone, and every stream with it. */
  closed(): void {
    this.#over = true
    this.#pending = []
    for (const stream of this.#streams.values()) stream.cut()
  }

  // For streams

  sendHeaders(stream: number, fields: readonly HeaderField[], isLast: boolean): void {
    const flags = Flag.EndHeaders | (isLast ? Flag.EndStream : 0)
    this.#later(encodeFrame(FrameType.Headers, flags, stream, encodeHeaders(fields)))
  }

  sendReset(stream: number, code: Http2Code): void {
    this.#later(encodeFrame(FrameType.RstStream, 0, stream, uint32(code)))
  }

  /** Not at once: Node's client forgets an answer that comes together with a reset. */
  sendResetSoon(stream: number): void {
    setTimeout(() => this.sendReset(stream, Http2Code.NoError), RESET_DELAY).unref()
  }

  credit(stream: Http2Stream): void {
    if (stream.receiveWindow > FIRST_WINDOW / 2 || stream.remoteEnded) return
    const step = FIRST_WINDOW - stream.receiveWindow
    stream.receiveWindow = FIRST_WINDOW
    this.#later(encodeFrame(FrameType.WindowUpdate, 0, stream.id, uint32(step)))
  }

  sendNow(stream: Http2Stream, bytes: Uint8Array): boolean {
    const { length } = bytes
    if (
      length > MAX_FRAME_PAYLOAD ||
      length > this.#sendWindow ||
      length > stream.sendWindow ||
      this.#over ||
      this.#options.output.congested
    ) {
      return false
    }
    this.#sendWindow -= length
    stream.sendWindow -= length
    this.#send(writeFrame(scratch, this.#takePending(), FrameType.Data, 0, stream.id, bytes))
    return true
  }

  pump(stream: Http2Stream): boolean {
    let isMore = stream.queue.length > 0 || stream.ending
    while (isMore && !this.#over && !this.#options.output.congested) {
      isMore = this.#gather(stream)
    }
    const isTaken = stream.queue.length === 0 && !this.#options.output.congested
    if (!isTaken && !stream.closed) this.#waiting.add(stream)
    else if (this.#waiting.size > 0) this.#waiting.delete(stream)
    return isTaken
  }

  forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id)
    this.#waiting.delete(stream)
  }

  /** Sends what fits into one write; whether it makes sense to go on. */
  #gather(stream: Http2Stream): boolean {
    const { queue } = stream
    let end = this.#takePending()
    while (end < GATHER) {
      const [chunk] = queue
      if (chunk === undefined) {
        if (stream.ending) {
          end = writeFrame(scratch, end, FrameType.Data, Flag.EndStream, stream.id, EMPTY)
          this.#send(end)
          stream.answered()
          return false
        }
        break
      }
      const room = Math.min(chunk.length, MAX_FRAME_PAYLOAD, this.#sendWindow, stream.sendWindow)
      if (room <= 0) break
      const isWhole = room === chunk.length
      if (isWhole) queue.shift()
      else queue[0] = chunk.subarray(room)
      const isLast = stream.ending && queue.length === 0
      const part = isWhole ? chunk : chunk.subarray(0, room)
      const flags = isLast ? Flag.EndStream : 0
      end = writeFrame(scratch, end, FrameType.Data, flags, stream.id, part)
      this.#sendWindow -= room
      stream.sendWindow -= room
      if (isLast) {
        this.#send(end)
        stream.answered()
        return false
      }
    }
    this.#send(end)
    return queue.length > 0 && end >= GATHER
  }

  /** Puts what is pending at the start of the scratch room; returns where it ends. */
  #takePending(): number {
    if (this.#pending.length === 0) return 0
    let end = 0
    for (const bytes of this.#pending) {
      if (end + bytes.length > MAX_FRAME_PAYLOAD) {
        this.#send(end)
        end = 0
      }
      scratch.set(bytes, end)
      end += bytes.length
    }
    this.#pending = []
    return end
  }

  #send(end: number): void {
    if (end === 0 || this.#over) return
    // One message to everybody has one length.
    if (filled.length !== end) filled = scratch.subarray(0, end)
    this.#options.output.send(filled)
  }

  /** Queues a small frame: it leaves with the next one, or when this turn is over. */
  #later(frame: Uint8Array): void {
    if (this.#over) return
    this.#pending.push(frame)
    if (this.#inReceive || this.#flushIsDue) return
    this.#flushIsDue = true
    queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#flushIsDue = false
    if (this.#pending.length === 0 || this.#over) return
    this.#send(this.#takePending())
    // A client that makes us talk and does not listen.
    if (this.#options.output.backlog > MAX_UNREAD_BYTES) {
      this.#fail(new Http2Error(Http2Code.EnhanceYourCalm, 'Refused client: it does not read'))
    }
  }

  #pumpAll(): void {
    const { output } = this.#options
    // One write for each in turn: one large answer does not hold up the others.
    let isMore = true
    while (isMore && !output.congested && !this.#over) {
      isMore = false
      for (const stream of this.#waiting) {
        if (output.congested) return
        // Looked at for every frame that opens any window.
        if (stream.queue.length > 0 && Math.min(this.#sendWindow, stream.sendWindow) <= 0) continue
        if (stream.queue.length > 0 || stream.ending) isMore = this.#gather(stream) || isMore
        if (stream.queue.length > 0 || output.congested) continue
        this.#waiting.delete(stream)
        stream.drained()
      }
    }
  }

  #fail(error: Http2Error): void {
    if (this.#over) return
    const payload = Buffer.concat([uint32(this.#lastStream), uint32(error.code)])
    this.#pending.push(encodeFrame(FrameType.GoAway, 0, 0, payload))
    this.#send(this.#takePending())
    this.closed()
    this.#options.onError(error)
    this.#options.output.close(error)
  }

  // Frames

  #onFrame(frame: Frame): void {
    if (!this.#hasSettings && frame.type !== FrameType.Settings) {
      fail(Http2Code.Protocol, 'the first frame is not SETTINGS')
    }
    if (this.#blockOf !== undefined && frame.type !== FrameType.Continuation) {
      fail(Http2Code.Protocol, 'a frame within a header block')
    }
    switch (frame.type) {
      case FrameType.Data:
        return this.#onData(frame)
      case FrameType.Headers:
        return this.#onHeaders(frame)
      case FrameType.Continuation:
        return this.#onContinuation(frame)
      case FrameType.RstStream:
        return this.#onReset(frame)
      case FrameType.Settings:
        return this.#onSettings(frame)
      case FrameType.Ping:
        return this.#onPing(frame)
      case FrameType.WindowUpdate:
        return this.#onWindowUpdate(frame)
      case FrameType.PushPromise:
        return fail(Http2Code.Protocol, 'a client cannot push')
      case FrameType.GoAway:
        // It opens no more streams, and waits for those that it has.
        return this.#annoy()
      default:
        // Priorities, which are not kept, and types that may come to be.
        return this.#annoy()
    }
  }

  #annoy(): void {
    if (!this.#budget.take()) fail(Http2Code.EnhanceYourCalm, 'too many frames that say nothing')
  }

  #onData(frame: Frame): void {
    const size = frame.payload.length
    if (frame.stream === 0) fail(Http2Code.Protocol, 'DATA for no stream')
    this.#receiveWindow -= size
    if (this.#receiveWindow < 0)
      fail(Http2Code.FlowControl, 'more than the window of the connection')
    const data = withoutPadding(frame, 0)
    const isLast = (frame.flags & Flag.EndStream) !== 0
    const stream = this.#find(frame.stream)
    // What was on its way when its stream was reset is nobody's fault; an empty frame never is of use.
    if (data.length === 0 && (!isLast || stream === undefined)) this.#annoy()
    if (stream !== undefined) {
      if (stream.remoteEnded) fail(Http2Code.StreamClosed, 'DATA after the end of a stream')
      stream.receiveWindow -= size
      if (stream.receiveWindow < 0) fail(Http2Code.FlowControl, 'more than the window of a stream')
      stream.receive(data)
      if (isLast) this.#endRequest(stream)
    }
    if (this.#receiveWindow < FIRST_WINDOW / 2) {
      const step = FIRST_WINDOW - this.#receiveWindow
      this.#receiveWindow = FIRST_WINDOW
      this.#later(encodeFrame(FrameType.WindowUpdate, 0, 0, uint32(step)))
    }
  }

  #endRequest(stream: Http2Stream): void {
    if (stream.receiveEnd()) return
    stream.remoteEnded = false
    stream.reset(Http2Code.Protocol)
  }

  /** The stream that a frame is for; undefined when it is over. */
  #find(id: number): Http2Stream | undefined {
    const stream = this.#streams.get(id)
    if (stream === undefined && (id > this.#lastStream || id % 2 === 0)) {
      fail(Http2Code.Protocol, 'a frame for a stream that was not opened')
    }
    return stream
  }

  #onHeaders(frame: Frame): void {
    if (frame.stream % 2 === 0) fail(Http2Code.Protocol, 'HEADERS for no stream of a client')
    const hasPriority = (frame.flags & Flag.Priority) !== 0
    const isLast = (frame.flags & Flag.EndStream) !== 0
    this.#blockOf = { stream: frame.stream, isLast }
    this.#onFragment(frame, withoutPadding(frame, hasPriority ? 5 : 0))
  }

  #onContinuation(frame: Frame): void {
    if (this.#blockOf?.stream !== frame.stream) {
      fail(Http2Code.Protocol, 'CONTINUATION of nothing')
    }
    this.#annoy()
    this.#onFragment(frame, frame.payload)
  }

  #onFragment(frame: Frame, fragment: Uint8Array): void {
    const length = this.#block.length + fragment.length
    if (length > MAX_HEADER_BYTES) fail(Http2Code.EnhanceYourCalm, 'header block too large')
    const block = this.#block.length === 0 ? fragment : Buffer.concat([this.#block, fragment])
    const of = this.#blockOf
    if ((frame.flags & Flag.EndHeaders) === 0 || of === undefined) {
      this.#block = Buffer.from(block)
      return
    }
    this.#block = EMPTY
    this.#blockOf = undefined
    this.#onBlock(of.stream, of.isLast, this.#hpack.decode(block))
  }

  #onBlock(id: number, isLast: boolean, fields: readonly HeaderField[]): void {
    if (id <= this.#lastStream) return this.#onTrailers(id, isLast)
    this.#lastStream = id
    if (this.#streams.size >= this.#options.maxConcurrentStreams) {
      this.#annoy()
      return this.sendReset(id, Http2Code.RefusedStream)
    }
    const headers = requestHeaders(fields)
    if (headers === null) {
      this.#annoy()
      return this.sendReset(id, Http2Code.Protocol)
    }
    const windows = { send: this.#firstSendWindow, receive: FIRST_WINDOW }
    const stream = new Http2Stream(id, headers, this, windows)
    this.#streams.set(id, stream)
    if (isLast && !stream.receiveEnd()) return stream.reset(Http2Code.Protocol)
    this.#handOver(stream)
  }

  #handOver(stream: Http2Stream): void {
    try {
      this.#options.onStream(stream)
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
      stream.reset(Http2Code.Internal)
    }
  }

  #onTrailers(id: number, isLast: boolean): void {
    const stream = this.#streams.get(id)
    // What was on its way when its stream was reset.
    if (stream === undefined) return this.#annoy()
    if (!isLast || stream.remoteEnded) fail(Http2Code.Protocol, 'a second header for a stream')
    this.#endRequest(stream)
  }

  #onReset({ stream: id, payload }: Frame): void {
    if (payload.length !== 4) fail(Http2Code.FrameSize, 'RST_STREAM is not four bytes')
    const stream = this.#find(id)
    this.#annoy()
    stream?.cut()
  }

  #onSettings({ stream, flags, payload }: Frame): void {
    const isAck = (flags & Flag.Ack) !== 0
    if (stream !== 0) fail(Http2Code.Protocol, 'SETTINGS for a stream')
    if (payload.length % 6 !== 0 || (isAck && payload.length > 0)) {
      fail(Http2Code.FrameSize, 'SETTINGS is not of six bytes each')
    }
    this.#annoy()
    if (isAck) return
    this.#hasSettings = true
    let window = this.#firstSendWindow
    for (let at = 0; at < payload.length; at += 6) {
      const id = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0)
      const value = readUint32(payload, at + 2)
      if (id === Setting.EnablePush && value > 1) fail(Http2Code.Protocol, 'wrong ENABLE_PUSH')
      if (id === Setting.MaxFrameSize && (value < MAX_FRAME_PAYLOAD || value > 0xff_ffff)) {
        fail(Http2Code.Protocol, 'wrong MAX_FRAME_SIZE')
      }
      if (id === Setting.InitialWindowSize) window = value
    }
    if (window > MAX_WINDOW) fail(Http2Code.FlowControl, 'INITIAL_WINDOW_SIZE too large')
    this.#later(encodeFrame(FrameType.Settings, Flag.Ack, 0, EMPTY))
    this.#changeWindows(window)
  }

  #changeWindows(window: number): void {
    const step = window - this.#firstSendWindow
    if (step === 0) return
    this.#firstSendWindow = window
    for (const stream of this.#streams.values()) {
      stream.sendWindow += step
      if (stream.sendWindow > MAX_WINDOW)
        fail(Http2Code.FlowControl, 'window of a stream too large')
    }
    this.#pumpAll()
  }

  #onPing({ stream, flags, payload }: Frame): void {
    if (stream !== 0) fail(Http2Code.Protocol, 'PING for a stream')
    if (payload.length !== 8) fail(Http2Code.FrameSize, 'PING is not eight bytes')
    this.#annoy()
    if ((flags & Flag.Ack) === 0) this.#later(encodeFrame(FrameType.Ping, Flag.Ack, 0, payload))
  }

  #onWindowUpdate({ stream: id, payload }: Frame): void {
    if (payload.length !== 4) fail(Http2Code.FrameSize, 'WINDOW_UPDATE is not four bytes')
    const step = readUint32(payload, 0) & MAX_WINDOW
    if (step === 0) fail(Http2Code.Protocol, 'WINDOW_UPDATE by nothing')
    if (step < MIN_WINDOW_STEP) this.#annoy()
    if (id === 0) {
      this.#sendWindow += step
      if (this.#sendWindow > MAX_WINDOW) fail(Http2Code.FlowControl, 'window too large')
      return this.#pumpAll()
    }
    const stream = this.#find(id)
    if (stream === undefined) return
    stream.sendWindow += step
    if (stream.sendWindow > MAX_WINDOW) fail(Http2Code.FlowControl, 'window of a stream too large')
    if (this.#waiting.has(stream)) this.#pumpAll()
  }
}

function fail(code: Http2Code, what: string): never {
  throw new Http2Error(code, `Refused client: ${what}`)
}
