// SPDX-License-Identifier: Apache-2.0

/**
 * STUN on a UDP port: shows clients the address that they are seen from. A request has 40 bytes and its answer 32 or
 * 44, only what carries the mark of tailnet software is answered, and an answer goes to where that came from, so
 * there is nothing to gain from false senders.
 *
 * An answer has to come from the address that was asked. A socket that is bound to every address leaves that to the
 * routing table; on a host with several public addresses, name them.
 *
 * @module
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { DerpError, encodeStunResponse, isStun, parseStunRequest, unmapAddress } from '@signet/derp'
import { parseAddress } from '@signet/protocol'
import { ControlError } from '../errors.ts'

/** A port that answers. */
export interface StunServer extends AsyncDisposable {
  readonly port: number
  /** Requests that were answered. */
  readonly answered: number
}

/**
 * Starts it on one address or several. `0.0.0.0` and `::` stand for every address of both families, as far as
 * the machine has them.
 *
 * @throws ControlError 'bad-config' when an address cannot be listened on
 */
export async function startStun(address: {
  readonly host: string | readonly string[]
  readonly port: number
}): Promise<StunServer> {
  const { host } = address
  const hosts = typeof host === 'string' ? [host] : host
  const isAny = hosts.includes('0.0.0.0') || hosts.includes('::')
  const sockets: Socket[] = []
  let { port } = address
  let answered = 0
  const close = async (): Promise<void> => {
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))))
  }
  try {
    for (const each of isAny ? ['0.0.0.0', '::'] : hosts) {
      // The other family may not be there at all.
      const isOptional = isAny && !hosts.includes(each)
      try {
        const socket = await bind(each, port, () => answered++)
        port = socket.address().port
        sockets.push(socket)
      } catch (error) {
        if (!isOptional || !isNoFamily(error)) throw error
      }
    }
  } catch (cause) {
    await close()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const where = `${hosts.join(', ')} port ${port}`
    throw new ControlError('bad-config', `Cannot listen on ${where} (STUN): ${reason}`, { cause })
  }
  return {
    port,
    get answered() {
      return answered
    },
    [Symbol.asyncDispose]: close,
  }
}

function bind(host: string, port: number, onAnswer: () => void): Promise<Socket> {
  // One family for each socket: nobody is seen as an IPv4 address inside IPv6.
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', ipv6Only: isIPv6(host) })
  socket.on('message', (packet, sender) => {
    const answer = answerTo(packet, sender)
    if (answer === undefined) return
    onAnswer()
    // What cannot be sent is asked for again.
    socket.send(answer, sender.port, sender.address, () => {})
  })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind(port, host, () => {
      socket.removeAllListeners('error')
      // Later errors are those of single packets.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

function isNoFamily(error: unknown): boolean {
  const missing = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']
  return error instanceof Error && 'code' in error && missing.includes(String(error.code))
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
