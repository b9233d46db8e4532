// SPDX-License-Identifier: Apache-2.0

/**
 * All doors of a server, as its settings say: the one that nodes know, and the plain port beside TLS.
 *
 * @module
 */

import type { MachinePrivate } from '@signet/keys'
import type { AdminCertificate } from '@signet/protocol/admin-api'
import { createAcmeSource } from '../acme/source.ts'
import { ControlError } from '../errors.ts'
import type { MachineServices } from '../machine/services.ts'
import type { RelayServer } from '../relay/relay-server.ts'
import type { Verifier } from '../relay/verify.ts'
import { createBootstrapDns } from './bootstrap-dns.ts'
import { isSelfSigned } from './certificate.ts'
import type { CertificateSource } from './certificate.ts'
import { watchCertificateFiles } from './certificate-files.ts'
import { certificateStatus } from './certificate-status.ts'
import type { DoorOptions } from './door-options.ts'
import type { Address } from './http-server.ts'
import { listen } from './listener.ts'
import type { FrontDoor } from './listener.ts'
import { listenPlain } from './plain-port.ts'
import { createSourceOf } from './source.ts'

/** What the doors open to, and how. */
export interface FrontDoorOptions extends DoorOptions {
  readonly listen: Address
  readonly url?: string | undefined
  readonly stateDir: string
  readonly serverKey: MachinePrivate
  readonly services: MachineServices
  readonly relay: RelayServer | undefined
  readonly verifier: Verifier | undefined
  /** Called when the relay's certificate has another name than before, see {@link FrontDoors.certName}. */
  readonly onCertName: () => void
}

/** The open doors. */
export interface FrontDoors extends AsyncDisposable {
  readonly port: number
  readonly httpPort: number | undefined
  /** What nodes dial. */
  readonly url: string
  /** How relay clients know the certificate when nobody vouches for it: by its hash. */
  readonly certName: () => string | undefined
  /** For administrators. */
  readonly certificate: () => AdminCertificate
  /** Looks for a new certificate now. */
  reload(): void
}

/** Opens the doors. @throws ControlError 'bad-config' */
export async function openFrontDoors(options: FrontDoorOptions): Promise<FrontDoors> {
  const { tls, acme, httpListen, serverKey, services, relay, verifier } = options
  const { clock, logger } = services
  await using stack = new AsyncDisposableStack()
  const sourceOf = createSourceOf(options.trustedProxies ?? [])
  const authority =
    acme && stack.use(createAcmeSource({ ...acme, stateDir: options.stateDir, clock, logger }))
  const certificate =
    authority ?? (tls && stack.use(watchCertificateFiles({ ...tls, clock, logger })))
  if (httpListen !== undefined && certificate === undefined) {
    throw new ControlError('bad-config', 'http_listen: there is no TLS that it could be beside')
  }
  certificate?.onChange(options.onCertName)
  // What the server calls itself may depend on the port that it got.
  let url = options.url ?? ''
  const bootstrapDns =
    options.bootstrapDns === true && options.url !== undefined
      ? createBootstrapDns(new URL(options.url).hostname.replace(/^\[|\]$/g, ''), clock)
      : undefined
  const door: FrontDoor = {
    serverKey,
    services,
    relay,
    verifier,
    sourceOf,
    certificate,
    bootstrapDns,
  }
  const { port } = stack.use(await listen(options.listen, door))
  const host = acme?.domains[0] ?? hostInUrl(options.listen.host)
  const scheme = certificate === undefined ? 'http' : 'https'
  url = options.url ?? new URL(`${scheme}://${host}:${port}`).origin
  const plain =
    httpListen === undefined
      ? undefined
      : stack.use(
          await listenPlain(httpListen, {
            door,
            url: () => url,
            challenge: (token) => authority?.challenge(token),
          }),
        )
  authority?.start()
  const parts = stack.move()
  return {
    port,
    httpPort: plain?.port,
    url,
    certName: () => certNameOf(certificate),
    certificate: () => certificateStatus(certificate, acme?.domains),
    reload: () => certificate?.reload(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function certNameOf(certificate: CertificateSource | undefined): string | undefined {
  const leaf = certificate?.current?.leaf
  if (leaf === undefined || !isSelfSigned(leaf)) return undefined
  return `sha256-raw:${leaf.fingerprint256.replaceAll(':', '').toLowerCase()}`
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
