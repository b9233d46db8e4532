// SPDX-License-Identifier: Apache-2.0

/**
 * Signed requests of ACME (RFC 8555, section 6.2): JSON Web Signatures by an account key on P-256.
 *
 * @module
 */

import { createHash, createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** What a request is signed with. */
export interface JwsOptions {
  readonly accountKey: KeyObject
  /** The account's URL; while it has none, the key itself goes along. */
  readonly account: string | undefined
  readonly nonce: string
  readonly url: string
  /** '' asks for something without changing it. */
  readonly payload: object | ''
}

/** Returns the body of a request. */
export function signJws({ accountKey, account, nonce, url, payload }: JwsOptions): string {
  const signer = account === undefined ? { jwk: publicJwk(accountKey) } : { kid: account }
  const head = base64url(JSON.stringify({ alg: 'ES256', ...signer, nonce, url }))
  const body = payload === '' ? '' : base64url(JSON.stringify(payload))
  const key = { key: accountKey, dsaEncoding: 'ieee-p1363' } as const
  const signature = sign('sha256', Buffer.from(`${head}.${body}`, 'ascii'), key)
  return JSON.stringify({
    protected: head,
    payload: body,
    signature: signature.toString('base64url'),
  })
}

/** What must be found at a challenge's place: that whoever has the account also has the place. */
export function keyAuthorization(token: string, accountKey: KeyObject): string {
  // The members in this order and nothing else: RFC 7638.
  const thumbprint = createHash('sha256').update(JSON.stringify(publicJwk(accountKey)))
  return `${token}.${thumbprint.digest('base64url')}`
}

function publicJwk(accountKey: KeyObject) {
  const { crv, kty, x, y } = createPublicKey(accountKey).export({ format: 'jwk' })
  return { crv, kty, x, y }
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
