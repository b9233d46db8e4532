// SPDX-License-Identifier: Apache-2.0

/**
 * The settings of the front door.
 *
 * @module
 */

import type { AcmeSettings } from '../acme/source.ts'
import type { Address } from './http-server.ts'

/** How a server is reached. */
export interface DoorOptions {
  /** Where TLS takes its certificate from; plain HTTP without. */
  readonly tls?: TlsFiles | undefined
  /** Gets the certificate by itself instead; takes `httpListen`. */
  readonly acme?: AcmeSettings | undefined
  /** A plain port beside TLS, for clients that try it first, certificate authorities and browsers. */
  readonly httpListen?: Address | undefined
  /** Addresses and prefixes of proxies whose `X-Forwarded-...` headers count. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Whether `/bootstrap-dns` tells the addresses of this server's own name. */
  readonly bootstrapDns?: boolean | undefined
}

/** A certificate that somebody else renews. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}
