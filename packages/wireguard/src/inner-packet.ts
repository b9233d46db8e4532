// SPDX-License-Identifier: Apache-2.0

/**
 * The IP packet inside decrypted content: content is padded, and only the IP header says where
 * the packet ends. WireGuard paper, section 5.4.6.
 *
 * @module
 */

const IPV4_HEADER = 20
const IPV6_HEADER = 40

/**
 * Returns the length of the IP packet at the start of padded content, or 0 when there is none: not
 * version 4 or 6, shorter than its header, or longer than the content. (The official code adds
 * IPv6 lengths in 16 bits and lets a sum that wraps around through; here it is refused.)
 */
export function innerPacketLength(content: Uint8Array): number {
  switch ((content[0] ?? 0) >>> 4) {
    case 4: {
      if (content.length < IPV4_HEADER) return 0
      const total = ((content[2] ?? 0) << 8) | (content[3] ?? 0)
      return total < IPV4_HEADER || total > content.length ? 0 : total
    }
    case 6: {
      if (content.length < IPV6_HEADER) return 0
      const total = IPV6_HEADER + (((content[4] ?? 0) << 8) | (content[5] ?? 0))
      return total > content.length ? 0 : total
    }
    default:
      return 0
  }
}
