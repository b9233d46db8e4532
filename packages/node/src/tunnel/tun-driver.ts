// SPDX-License-Identifier: Apache-2.0

/**
 * The inner side of a tunnel: where packets of this node come from and where packets for it go.
 * `memory` keeps them in the process; an interface of the operating system fits the same shape.
 *
 * @module
 */

/** Takes packets for this node and gives packets from it. */
export interface TunDriver {
  /**
   * Takes a packet from a peer to one of this node's addresses. It is a view that is not changed
   * afterwards.
   */
  write(packet: Uint8Array): void
  /** Sets who takes packets that this node sends; the bytes belong to the callee. */
  onPacket(handler: (packet: Uint8Array) => void): void
  /** Ends the driver; no packet comes from it any more. */
  close(): void
}
