// SPDX-License-Identifier: Apache-2.0

/**
 * STUN on a UDP port: shows clients the address that they are seen from. An answer is shorter than its request
 * and goes to where that came from, so there is nothing to gain from false senders.
 *
 * @module
 */

import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { DerpError, encodeStunResponse, isStun, parseStunRequest, unmapAddress } from '@signet/derp'
import { parseAddress } from '@signet/protocol'
import { ControlError } from '../errors.ts'

/** A port that answers. */
export interface StunServer extends AsyncDisposable {
  readonly port: number
}

/** Starts it. @throws ControlError 'bad-config' when the address cannot be listened on */
export async function startStun(address: {
  readonly host: string
  readonly port: number
}): Promise<StunServer> {
  const { host, port } = address
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('message', (packet, sender) => {
    const answer = answerTo(packet, sender)
    // What cannot be sent is asked for again.
    if (answer !== undefined) socket.send(answer, sender.port, sender.address, () => {})
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      const reason = `Cannot listen on ${host}:${port} (STUN): ${cause.message}`
      reject(new ControlError('bad-config', reason, { cause }))
    })
    socket.bind(port, host, resolve)
  })
  // Later errors are those of single packets.
  socket.on('error', () => {})
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  }
}

/** The answer to a packet, if it deserves one. */
export function answerTo(
  packet: Uint8Array,
  sender: { readonly address: string; readonly port: number },
): Uint8Array | undefined {
  if (!isStun(packet)) return undefined
  try {
    const transaction = parseStunRequest(packet)
    const address = unmapAddress(parseAddress(sender.address).bytes)
    return encodeStunResponse(transaction, { address, port: sender.port })
  } catch (error) {
    if (error instanceof DerpError) return undefined
    throw error
  }
}
