// SPDX-License-Identifier: Apache-2.0

/**
 * A certificate authority that speaks as much of RFC 8555 as our client does, and checks all that a real one
 * checks: nonces, signatures, the proof by HTTP, the names and the signature of the request.
 *
 * @module
 */

import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createServer, get } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAuthority } from '@signet/testkit/certificates'
import type { CertificateSpec, MadeCertificate } from '@signet/testkit/certificates'

/** One answer; `status` 200 if not said otherwise. */
export interface AuthorityAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** An authority on loopback. */
export interface TestAcmeAuthority extends AsyncDisposable {
  readonly directory: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** Where proofs are looked for, whatever the name. */
  httpPort: () => number | Promise<number>
  now: () => number
  /** How long certificates are good. */
  lifetimeMs: number
  /** The names in a certificate, for those that were asked for. */
  namesOf: (names: readonly string[]) => readonly string[]
  /** Answers instead of it, once for each entry that a path is found under. */
  readonly instead: Map<
    string,
    (answer: AuthorityAnswer) => AuthorityAnswer | Promise<AuthorityAnswer>
  >
  /** Certificates that were issued. */
  readonly issued: string[]
}

interface Order {
  readonly names: readonly string[]
  readonly token: string
  readonly account: KeyObject
  readonly thumbprint: string
  status: string
  certificate?: string
}

interface Jws {
  readonly head: { readonly jwk?: JsonWebKey; readonly kid?: string; readonly url: string }
  readonly payload: Record<string, unknown> | ''
  readonly key: KeyObject
  readonly jwk: JsonWebKey
}

/** Starts one, with TLS if it has a certificate. */
export async function startAcmeAuthority(tls?: MadeCertificate): Promise<TestAcmeAuthority> {
  const ca = createAuthority()
  const nonces = new Set<string>()
  const accounts = new Map<string, JsonWebKey>()
  const orders: Order[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void reply(request, response)
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const authority: TestAcmeAuthority = {
    directory: `${base}/directory`,
    asked: [],
    httpPort: () => 0,
    now: Date.now,
    lifetimeMs: 90 * 24 * 60 * 60 * 1000,
    namesOf: (names) => names,
    instead: new Map(),
    issued: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const usual = await handle(request).catch((error: unknown) =>
      problem(400, 'malformed', String(error)),
    )
    const edit = authority.instead.get(path)
    authority.instead.delete(path)
    const { status = 200, headers = {}, body = '' } = (await edit?.(usual)) ?? usual
    const nonce = randomBytes(8).toString('base64url')
    nonces.add(nonce)
    response.writeHead(status, { 'replay-nonce': nonce, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  async function handle(request: IncomingMessage): Promise<AuthorityAnswer> {
    const path = request.url ?? ''
    authority.asked.push(path)
    if (path === '/directory') {
      const at = (name: string): string => `${base}/${name}`
      return {
        body: { newNonce: at('nonce'), newAccount: at('account'), newOrder: at('order') },
      }
    }
    if (path === '/nonce') return { status: 200 }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const jws = open(Buffer.concat(chunks).toString(), `${base}${path}`)
    if (jws === undefined) return problem(400, 'badNonce', 'another one, please')
    return answer(path, jws)
  }

  function open(text: string, url: string): Jws | undefined {
    const outer = JSON.parse(text) as { protected: string; payload: string; signature: string }
    const head = JSON.parse(Buffer.from(outer.protected, 'base64url').toString())
    if (head.alg !== 'ES256' || head.url !== url) throw new Error('bad header')
    if (!nonces.delete(head.nonce)) return undefined
    const jwk = head.kid === undefined ? head.jwk : accounts.get(head.kid)
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const data = Buffer.from(`${outer.protected}.${outer.payload}`)
    const signature = Buffer.from(outer.signature, 'base64url')
    if (!verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
      throw new Error('bad signature')
    }
    const payload =
      outer.payload === '' ? '' : JSON.parse(Buffer.from(outer.payload, 'base64url').toString())
    return { head, payload, key, jwk }
  }

  async function answer(path: string, { payload, key, jwk }: Jws): Promise<AuthorityAnswer> {
    const [, what, id = ''] = path.split('/')
    if (what === 'account') {
      if (payload === '' || payload['termsOfServiceAgreed'] !== true) {
        return problem(403, 'userActionRequired', 'terms of service')
      }
      const { crv, kty, x, y } = jwk
      const url = `${base}/account/${thumbprintOf({ crv, kty, x, y })}`
      const status = accounts.has(url) ? 200 : 201
      accounts.set(url, jwk)
      return { status, headers: { location: url }, body: { status: 'valid' } }
    }
    if (what === 'order' && id === '' && payload !== '') {
      const identifiers = payload['identifiers'] as { value: string }[]
      const { crv, kty, x, y } = jwk
      orders.push({
        names: identifiers.map(({ value }) => value),
        token: randomBytes(16).toString('base64url'),
        account: key,
        thumbprint: thumbprintOf({ crv, kty, x, y }),
        status: 'pending',
      })
      const index = orders.length - 1
      const headers = { location: `${base}/order/${index}` }
      return { status: 201, headers, body: describeOrder(index) }
    }
    const index = Number(id)
    const order = orders[index]
    if (order === undefined) return problem(404, 'malformed', 'no such thing')
    switch (what) {
      case 'order':
        return { body: describeOrder(index) }
      case 'authorization':
        return {
          body: {
            status: order.status === 'ready' ? 'valid' : order.status,
            identifier: { type: 'dns', value: order.names[0] },
            challenges: [
              { type: 'dns-01', url: `${base}/challenge/${index}`, token: 'x' },
              {
                type: 'http-01',
                url: `${base}/challenge/${index}`,
                token: order.token,
                ...(order.status === 'invalid' && { error: { detail: 'not found' } }),
              },
            ],
          },
        }
      case 'challenge': {
        const proof = await fetchProof(await authority.httpPort(), order.token)
        if (proof === `${order.token}.${order.thumbprint}`) order.status = 'ready'
        else order.status = 'invalid'
        return { body: {} }
      }
      case 'finalize': {
        if (order.status !== 'ready' || payload === '') return problem(403, 'orderNotReady', '')
        const csr = Buffer.from(String(payload['csr']), 'base64url')
        const { publicKey, names } = readCsr(csr)
        if (names.join() !== order.names.join()) return problem(400, 'badCSR', names.join())
        const from = authority.now() - 1000
        const spec: CertificateSpec = {
          names: authority.namesOf(names),
          from,
          until: from + authority.lifetimeMs,
        }
        order.certificate = ca.sign(spec, publicKey) + ca.cert
        authority.issued.push(order.certificate)
        order.status = 'valid'
        return { body: describeOrder(index) }
      }
      case 'certificate':
        return { body: order.certificate }
      default:
        return problem(404, 'malformed', 'no such thing')
    }
  }

  function describeOrder(index: number): object {
    const order = orders[index]
    return {
      status: order?.status,
      authorizations: [`${base}/authorization/${index}`],
      finalize: `${base}/finalize/${index}`,
      ...(order?.certificate !== undefined && { certificate: `${base}/certificate/${index}` }),
    }
  }

  return authority
}

function problem(status: number, type: string, detail: string): AuthorityAnswer {
  return { status, body: { type: `urn:ietf:params:acme:error:${type}`, detail } }
}

function thumbprintOf(jwk: object): string {
  return createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')
}

function fetchProof(port: number, token: string): Promise<string> {
  return new Promise((resolve) => {
    const target = `http://127.0.0.1:${port}/.well-known/acme-challenge/${token}`
    const request = get(target, { agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk)))
      response.on('end', () => resolve(text))
    })
    request.on('error', () => resolve(''))
  })
}

/** OBJECT IDENTIFIER of the extension with the names, 2.5.29.17. */
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')

/** Reads a request for a certificate of P-256, whatever else it asks for. */
function readCsr(der: Buffer): { publicKey: KeyObject; names: string[] } {
  const outer = readElement(der)
  const [info, , signature] = children(outer.content)
  if (info === undefined || signature === undefined) throw new Error('bad request')
  const [, , spki, attributes] = children(info.content)
  if (spki === undefined || attributes === undefined) throw new Error('bad request')
  const publicKey = createPublicKey({ key: spki.whole, format: 'der', type: 'spki' })
  if (!verify('sha256', info.whole, publicKey, signature.content.subarray(1))) {
    throw new Error('bad signature of the request')
  }
  // attribute > SET > extensions > extension > OCTET STRING > names
  const set = children(children(attributes.content)[0]?.content ?? der)[1]
  const extensions = children(children(set?.content ?? der)[0]?.content ?? der)
  const extension = extensions.find(({ content }) => content.indexOf(SUBJECT_ALT_NAME) === 0)
  const value = children(extension?.content ?? der).at(-1)
  const list = readElement(value?.content ?? der)
  return { publicKey, names: children(list.content).map(({ content }) => content.toString()) }
}

interface Element {
  readonly whole: Buffer
  readonly content: Buffer
}

function readElement(der: Buffer): Element {
  let length = der[1] ?? 0
  let start = 2
  if (length >= 0x80) {
    const digits = length & 0x7f
    length = der.readUIntBE(2, digits)
    start += digits
  }
  return { whole: der.subarray(0, start + length), content: der.subarray(start, start + length) }
}

function children(der: Buffer): Element[] {
  const found: Element[] = []
  for (let rest = der; rest.length > 0;) {
    const next = readElement(rest)
    found.push(next)
    rest = rest.subarray(next.whole.length)
  }
  return found
}
