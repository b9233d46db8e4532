// SPDX-License-Identifier: Apache-2.0

/**
 * Strings of header fields in Huffman code (RFC 7541, section 5.2).
 *
 * @module
 */

import { Http2Code, Http2Error } from './errors.ts'
import { HUFFMAN_LENGTHS } from './hpack-tables.ts'

const END_OF_STRING = 256
/** Two for each inner node: another inner node, or a symbol as its complement; zero is no code. */
const tree = buildTree()

function buildTree(): Int16Array {
  const nodes = new Int16Array(2 * HUFFMAN_LENGTHS.length)
  const symbols = HUFFMAN_LENGTHS.map((length, symbol) => ({ length, symbol }))
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol)
  let used = 1
  let code = 0
  let before = 0
  for (const { length, symbol } of symbols) {
    code <<= length - before
    before = length
    let at = 0
    for (let bit = length - 1; bit > 0; bit--) {
      const slot = 2 * at + ((code >> bit) & 1)
      if (nodes[slot] === 0) nodes[slot] = used++
      at = nodes[slot] ?? 0
    }
    nodes[2 * at + (code & 1)] = ~symbol
    code++
  }
  return nodes
}

/**
 * Decodes a string; each byte becomes one character. The result is at most 8/5 as long as the input.
 *
 * @throws Http2Error for what is no code, and for padding that is too long or not of ones
 */
export function decodeHuffman(bytes: Uint8Array): string {
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5))
  let length = 0
  let at = 0
  /** Bits since the last symbol, and whether all were ones. */
  let depth = 0
  let ones = true
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const value = (byte >> bit) & 1
      const next = tree[2 * at + value] ?? 0
      depth++
      ones &&= value === 1
      if (next > 0) {
        at = next
        continue
      }
      if (next === 0 || ~next === END_OF_STRING) fail('no such code')
      out[length++] = ~next
      at = 0
      depth = 0
      ones = true
    }
  }
  if (depth > 7 || !ones) fail('wrong padding')
  return out.toString('latin1', 0, length)
}

function fail(what: string): never {
  throw new Http2Error(Http2Code.Compression, `Cannot decode header string: ${what}`)
}
