// SPDX-License-Identifier: Apache-2.0

/**
 * One zstd frame out of parts that were compressed apart (RFC 8878).
 *
 * A map for a newcomer is nearly the same for everybody, and compressing it is what it costs. Several frames
 * one after the other would be legal, but not every client reads beyond the first. A frame is a header and
 * blocks, though, and the blocks of one frame make sense in another if whatever they take from before
 * themselves is there: the tables, which the first block of a frame never takes, the text, which lies
 * within the part, and the last three offsets, which are 1, 4 and 8 at the start of a frame. So three tiny blocks go before each
 * part that repeat something at a distance of 8, of 4, and of 1. What they write are spaces, so a join is possible where text
 * may have spaces.
 *
 * @module
 */

import { constants, zstdCompressSync } from 'node:zlib'

/** A part of a frame: blocks, and how much text they hold. */
export interface ZstdPart {
  readonly blocks: Buffer
  readonly length: number
}

/** As much as is looked back for, and what a decoder has to keep: 128 KiB. */
const WINDOW_LOG = 17
const OPTIONS = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
  },
}
/** The exponent of the window above 1 KiB, where a frame has it. */
const WINDOW_DESCRIPTOR = (WINDOW_LOG - 10) << 3
/** A content size of four bytes, a window, no checksum, no dictionary. */
const FRAME_DESCRIPTOR = 0x80
const MAGIC = 0xfd2fb528
const BLOCK_HEADER = 3
const BlockType = { Raw: 0, Rle: 1, Compressed: 2 } as const

const SPACES = 8
const MATCH = 3
const reset: ZstdPart = {
  blocks: Buffer.concat([repeatBlock(SPACES, 8), repeatBlock(0, 4), repeatBlock(0, 1)]),
  length: SPACES + 3 * MATCH,
}

/** Compresses text as a part that may stand anywhere; spaces come before it. */
export function compressPart(text: string): ZstdPart {
  const bytes = Buffer.from(text)
  const blocks = blocksOf(zstdCompressSync(bytes, OPTIONS))
  return { blocks: Buffer.concat([reset.blocks, blocks]), length: reset.length + bytes.length }
}

/**
 * Joins parts into one frame, with `headroom` bytes in front for the caller. The frame comes in pieces, so that
 * parts that many frames have are not copied.
 */
export function joinParts(parts: readonly ZstdPart[], headroom: number): Buffer[] {
  const header = Buffer.alloc(headroom + 10)
  header.writeUInt32LE(MAGIC, headroom)
  header[headroom + 4] = FRAME_DESCRIPTOR
  header[headroom + 5] = WINDOW_DESCRIPTOR
  header.writeUInt32LE(
    parts.reduce((sum, { length }) => sum + length, 0),
    headroom + 6,
  )
  // An empty block ends the frame, so that no part need know whether it is the last.
  return [header, ...parts.map(({ blocks }) => blocks), blockHeader(BlockType.Raw, 0, true)]
}

/** The blocks of a frame, none of them marked as the last. */
function blocksOf(frame: Buffer): Buffer {
  const start = 4 + frameHeaderLength(frame[4] ?? 0)
  let at = start
  let isLast = false
  while (!isLast) {
    const header = frame.readUIntLE(at, BLOCK_HEADER)
    isLast = (header & 1) === 1
    if (isLast) frame[at] = (frame[at] ?? 0) & 0xfe
    const isRle = ((header >> 1) & 3) === BlockType.Rle
    at += BLOCK_HEADER + (isRle ? 1 : header >> 3)
  }
  return frame.subarray(start, at)
}

/** Length of what follows the magic number up to the first block. */
function frameHeaderLength(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag
  return 1 + (isSingleSegment ? 0 : 1) + sizeBytes
}

/**
 * A block that writes spaces and then three bytes more from a distance. Each of its codes is the only one of its
 * kind, so that no tables are needed: lengths of literals and of matches below 16 are codes by themselves.
 */
function repeatBlock(spaces: number, distance: number): Buffer {
  // Three values stand for the last offsets themselves.
  const offset = distance + 3
  const code = 31 - Math.clz32(offset)
  const RLE_FOR_ALL = 0b01_01_01_00
  const content = Buffer.concat([
    Buffer.of(spaces << 3),
    Buffer.alloc(spaces, ' '),
    // One sequence; its codes; the low bits of the offset behind the bit that starts the stream.
    Buffer.of(1, RLE_FOR_ALL, spaces, code, MATCH - 3, offset),
  ])
  return Buffer.concat([blockHeader(BlockType.Compressed, content.length, false), content])
}

function blockHeader(type: number, size: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(BLOCK_HEADER)
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, BLOCK_HEADER)
  return header
}
