// SPDX-License-Identifier: Apache-2.0

/**
 * From the settings of the front door as they are written to what they mean together.
 *
 * @module
 */

import type { AcmeSettings } from '../acme/source.ts'
import { ControlError } from '../errors.ts'
import type { DoorOptions } from './door-options.ts'
import type { Address } from './http-server.ts'

/** The authority that most use; it asks for no account beforehand. */
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

/** The settings, each by itself in order. */
export interface DoorSettings {
  readonly tls_cert?: string | undefined
  readonly tls_key?: string | undefined
  readonly acme_domains?: readonly string[] | undefined
  readonly acme_email?: string | undefined
  readonly acme_directory?: string | undefined
  readonly acme_agree_tos?: boolean | undefined
  readonly http_listen?: Address | undefined
  readonly trusted_proxies?: readonly string[] | undefined
  readonly bootstrap_dns?: boolean | undefined
}

/** Returns what they mean. @throws ControlError 'bad-config' when they do not go together */
export function readDoorSettings(settings: DoorSettings): DoorOptions {
  const { tls_cert: certFile, tls_key: keyFile } = settings
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ControlError('bad-config', 'tls_cert and tls_key go together: both or none')
  }
  const acme = readAcme(settings)
  if (acme !== undefined && certFile !== undefined) {
    throw new ControlError('bad-config', 'tls_cert and acme_domains: one of them, not both')
  }
  return {
    acme,
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    httpListen: settings.http_listen,
    trustedProxies: settings.trusted_proxies,
    bootstrapDns: settings.bootstrap_dns,
  }
}

function readAcme(settings: DoorSettings): AcmeSettings | undefined {
  const { acme_domains: domains } = settings
  if (domains === undefined) return undefined
  if (settings.acme_agree_tos !== true) {
    throw new ControlError(
      'bad-config',
      'acme_agree_tos: set it to true if you agree to the terms of service of the certificate authority',
    )
  }
  if (settings.http_listen === undefined) {
    throw new ControlError(
      'bad-config',
      'acme_domains: the certificate authority asks at port 80, so set http_listen, usually to :80',
    )
  }
  return {
    domains,
    email: settings.acme_email,
    directory: settings.acme_directory ?? LETS_ENCRYPT,
  }
}
