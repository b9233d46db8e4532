// SPDX-License-Identifier: Apache-2.0

/**
 * How a relay is dialled: which of the addresses that the map gives, and what its certificate must be.
 *
 * TLS with the usual checks, for the name that the map gives; a relay with a certificate of its own is known
 * by the certificate's hash. Plain HTTP is for relays that the map marks as being for tests.
 *
 * @module
 */

import { request as httpRequest } from 'node:http'
import { connect as connectTcp, isIP, isIPv4, isIPv6, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { DERPNode, DERPRegion } from '@signet/protocol'
import { MAX_TARGETS } from './relay-limits.ts'

const PIN = 'sha256-raw:'
const DEFAULT_PORT = 443
/** A name or an address; what is neither goes into no header and no handshake. */
const HOST_NAME = /^[A-Za-z0-9._:-]{1,253}$/

/** One address of one relay. */
export interface RelayTarget {
  /** An address, or a name to look up. */
  readonly address: string
  readonly port: number
  /** What the relay is called; the certificate is for that name or for `certName`. */
  readonly hostName: string
  readonly certName: string
  readonly isPlain: boolean
}

/** A connection that is being made. */
export interface Dialling {
  /** Gives up; nobody is told. */
  cancel(): void
}

/** What becomes of it: one of these, once. */
export interface DialResult {
  /** Frames begin; `head` are the first bytes. */
  opened(stream: Duplex, head: Uint8Array): void
  failed(reason: string): void
}

/** Dials relays. */
export interface RelayDialer {
  /** Connects and asks to speak frames. */
  dial(target: RelayTarget, result: DialResult): Dialling
  /** Connects and does nothing more; calls back when that worked. */
  knock(target: RelayTarget, answered: () => void): Dialling
}

/** Returns the addresses of a region's relays, in the order in which they are to be tried. */
export function relayTargets(region: DERPRegion): readonly RelayTarget[] {
  const targets = (region.Nodes ?? []).flatMap((node) => (node === null ? [] : targetsOf(node)))
  return targets.slice(0, MAX_TARGETS)
}

function targetsOf(node: DERPNode): readonly RelayTarget[] {
  const port = node.DERPPort || DEFAULT_PORT
  if (node.STUNOnly === true || port < 1 || port > 65_535) return []
  if (!HOST_NAME.test(node.HostName)) return []
  const target = {
    port,
    hostName: node.HostName,
    certName: node.CertName ?? '',
    isPlain: node.InsecureForTests === true,
  }
  const known = [
    ...(isIPv4(node.IPv4 ?? '') ? [node.IPv4 ?? ''] : []),
    ...(isIPv6(node.IPv6 ?? '') ? [node.IPv6 ?? ''] : []),
  ]
  // Without an address the name has to be looked up.
  const addresses = known.length > 0 ? known : [node.HostName]
  return addresses.map((address) => ({ ...target, address }))
}

/** Creates a dialer; `ca` are authorities instead of those of the system, for tests. */
export function createRelayDialer(ca?: string): RelayDialer {
  return {
    dial(target, result) {
      let isOver = false
      const fail = (reason: string): void => {
        if (isOver) return
        isOver = true
        socket.destroy()
        result.failed(reason)
      }
      const socket = open(target, ca, () => {
        const wrong = target.isPlain ? undefined : wrongPin(target, socket)
        if (wrong === undefined) ask()
        else fail(wrong)
      })
      socket.on('error', (error) => fail(error.message))
      socket.once('close', () => fail('the connection was closed'))
      const ask = (): void => {
        const request = httpRequest({
          createConnection: () => socket,
          path: '/derp',
          headers: { Host: hostOf(target), Upgrade: 'DERP', Connection: 'Upgrade' },
        })
        request.once('upgrade', (_response, stream, head) => {
          if (isOver) return
          isOver = true
          result.opened(stream, head)
        })
        request.once('response', ({ statusCode }) => fail(`status ${statusCode}, not an upgrade`))
        request.on('error', (error) => fail(error.message))
        request.end()
      }
      return {
        cancel() {
          isOver = true
          socket.destroy()
        },
      }
    },
    knock(target, answered) {
      const socket = open(target, ca, () => {
        socket.destroy()
        answered()
      })
      // Who does not answer is not chosen.
      socket.on('error', () => socket.destroy())
      return { cancel: () => void socket.destroy() }
    },
  }
}

function open(target: RelayTarget, ca: string | undefined, opened: () => void): Socket {
  const { address: host, port, hostName, certName, isPlain } = target
  if (isPlain) return connectTcp({ host, port, noDelay: true }, opened)
  const isPinned = certName.startsWith(PIN)
  const name = certName === '' ? hostName : certName
  const socket = connectTls(
    {
      host,
      port,
      // The name that is asked for is the host's, also where the certificate is for another one.
      servername: isIP(hostName) === 0 ? hostName : '',
      // A pinned certificate is compared as a whole instead, see `wrongPin`.
      rejectUnauthorized: !isPinned,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      ...(ca !== undefined && { ca }),
    },
    opened,
  )
  socket.setNoDelay(true)
  return socket
}

/** Says what is wrong with a relay that is known by the hash of its certificate; undefined for nothing. */
function wrongPin(
  { certName, hostName }: RelayTarget,
  socket: Socket | TLSSocket,
): string | undefined {
  if (!certName.startsWith(PIN)) return undefined
  const certificate =
    'getPeerX509Certificate' in socket ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return 'the relay showed no certificate'
  const shown = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  if (shown !== certName.slice(PIN.length))
    return 'the certificate is not the one that the map names'
  const isNamed =
    isIP(hostName) === 0 ? certificate.checkHost(hostName) : certificate.checkIP(hostName)
  if (isNamed === undefined) return `the certificate is not for ${hostName}`
  const now = Date.now()
  const isTimely =
    Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo)
  return isTimely ? undefined : 'the certificate is not valid at this time'
}

function hostOf({ hostName, port }: RelayTarget): string {
  return `${isIPv6(hostName) ? `[${hostName}]` : hostName}:${port}`
}
