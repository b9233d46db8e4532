// SPDX-License-Identifier: Apache-2.0

/**
 * The lock's part of the local API: the thirteen official paths. Statuses and the first words of
 * errors are the official ones, which programs show as they are.
 *
 * @module
 */

import { parseLockPrivate, parseNodePublic } from '@signet/keys'
import {
  encodeDeeplinkResult,
  encodeLockLog,
  encodeLockStatus,
  encodeSignatureList,
  parseDeeplinkRequest,
  parseLockInitRequest,
  parseLockModifyRequest,
  parseLockRecoveryRequest,
  parseLockSignRequest,
  parseLockWrapRequest,
  type DeeplinkResult,
  type LockKeyJson,
} from '@signet/protocol/local-api'
import { aumHashBytes, parseAumHash, type DeeplinkVerdict, type Key } from '@signet/tka'
import { NodeError, reasonOf } from '../errors.ts'
import type { NodeParts } from '../parts.ts'
import {
  bodyText,
  emptyReply,
  jsonReply,
  textReply,
  type ApiReply,
  type ApiRequest,
  type ApiRoute,
} from './http.ts'
import { lockStatusOf } from './lock-status.ts'

/** The capability without which a tailnet cannot have a lock. */
const lockCapability = 'https://tailscale.com/cap/tailnet-lock'

/** Returns the routes. */
export function lockRoutes(parts: NodeParts): readonly ApiRoute[] {
  const { commands, recovery, backend } = parts
  const status = (): ApiReply => jsonReply(encodeLockStatus(lockStatusOf(parts)))
  return [
    { path: 'tka/status', methods: { GET: status } },
    post('tka/init', 'initialization failed: ', 500, async (request) => {
      const init = read(request, parseLockInitRequest)
      if (backend.netmap()?.self?.CapMap?.[lockCapability] === undefined) {
        return textReply(403, 'Tailnet Lock is not offered by the server of this tailnet')
      }
      await parts.init({
        keys: (init.Keys ?? []).map(keyOf),
        disablementValues: present(init.DisablementValues),
        supportDisablement: init.SupportDisablement,
        signUnknownNodes: init.SignUnknownNodes ?? false,
      })
      return status()
    }),
    post('tka/sign', 'signing failed: ', 500, async (request) => {
      const { NodeKey, RotationPublic } = read(request, parseLockSignRequest)
      await commands.sign(parseNodePublic(NodeKey), RotationPublic)
      return emptyReply(200)
    }),
    post(
      'tka/modify',
      'tailnet-lock modify failed: modify tailnet-lock keys: ',
      500,
      async (request) => {
        const { AddKeys, RemoveKeys } = read(request, parseLockModifyRequest)
        await commands.modify((AddKeys ?? []).map(keyOf), (RemoveKeys ?? []).map(keyOf))
        return emptyReply()
      },
    ),
    post('tka/disable', 'tailnet-lock disable failed: ', 400, async ({ body }) => {
      await commands.disable(body)
      return emptyReply(200)
    }),
    post('tka/force-local-disable', 'tailnet-lock local disable failed: ', 400, (request) => {
      // A JSON object as body: one more thing that a web page cannot send unasked.
      read(request, (text) => {
        if (!/^\s*\{/.test(text)) throw new NodeError('bad-argument', 'no JSON object')
      })
      commands.localDisable()
      return emptyReply(200)
    }),
    {
      path: 'tka/log',
      methods: {
        GET: ({ query }) =>
          guarded('reading log failed: ', 500, () => {
            const lines = commands.log(limitOf(query.get('limit')))
            return jsonReply(
              encodeLockLog(
                lines.map(({ hash, kind, encoded }) => ({
                  Hash: aumHashBytes(hash),
                  Change: kind,
                  Raw: encoded,
                })),
              ),
            )
          }),
      },
    },
    post('tka/affected-sigs', '', 500, async ({ body }) =>
      jsonReply(encodeSignatureList(await commands.affectedSignatures(body))),
    ),
    post('tka/generate-recovery-aum', '', 500, (request) => {
      const { Keys, ForkFrom } = read(request, parseLockRecoveryRequest)
      return bytesReply(
        recovery.generate(present(Keys), ForkFrom === '' ? null : parseAumHash(ForkFrom)),
      )
    }),
    post('tka/cosign-recovery-aum', '', 500, ({ body }) => bytesReply(recovery.cosign(body))),
    post('tka/submit-recovery-aum', '', 500, async ({ body }) => {
      await recovery.submit(body)
      return emptyReply(200)
    }),
    post('tka/verify-deeplink', '', 500, (request) => {
      const { URL } = read(request, parseDeeplinkRequest)
      return jsonReply(encodeDeeplinkResult(deeplink(() => commands.verifyDeeplink(URL))))
    }),
    post('tka/wrap-preauth-key', '', 500, (request) => {
      const { TSKey, TKAKey } = read(request, parseLockWrapRequest)
      const signer = read(request, () => parseLockPrivate(TKAKey))
      const body = commands.wrapAuthKey(TSKey, signer)
      return { status: 200, type: 'text/plain; charset=utf-8', body }
    }),
  ]
}

type Handler = (request: ApiRequest) => ApiReply | Promise<ApiReply>

function post(path: string, prefix: string, status: number, run: Handler): ApiRoute {
  return { path, methods: { POST: (request) => guarded(prefix, status, () => run(request)) } }
}

/** Failures in the official form: fixed status, official first words, then what went wrong. */
async function guarded(
  prefix: string,
  status: number,
  run: () => ApiReply | Promise<ApiReply>,
): Promise<ApiReply> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof BadBody) return textReply(400, error.message)
    return textReply(status, prefix + reasonOf(error))
  }
}

/** A body that is not what the path takes. Its content, which may be a secret, is not repeated. */
class BadBody extends Error {}

function read<T>(request: ApiRequest, parse: (text: string) => T): T {
  try {
    return parse(bodyText(request))
  } catch {
    throw new BadBody('invalid JSON body')
  }
}

function limitOf(text: string | null): number {
  if (text === null || text === '') return 50
  const limit = Number(text)
  if (!Number.isSafeInteger(limit)) {
    throw new BadBody(`parsing 'limit' parameter: ${JSON.stringify(text)} is no number`)
  }
  return limit
}

function keyOf({ Kind, Votes, Public, Meta }: LockKeyJson): Key {
  return {
    kind: Kind,
    votes: BigInt(Votes),
    public: Public,
    meta: Meta && new Map(Object.entries(Meta)),
  }
}

function present(list: readonly (Uint8Array | null)[] | null): readonly Uint8Array[] {
  return (list ?? []).map((bytes) => bytes ?? new Uint8Array())
}

function bytesReply(body: Uint8Array): ApiReply {
  return { status: 200, type: 'application/octet-stream', body }
}

function deeplink(verify: () => DeeplinkVerdict): DeeplinkResult {
  const refused = (Error: string): DeeplinkResult => ({
    IsValid: false,
    Error,
    Version: 0,
    NodeKey: '',
    TLPub: '',
    DeviceName: '',
    OSName: '',
    EmailAddress: '',
  })
  try {
    const verdict = verify()
    if (!verdict.isValid) return refused(verdict.error)
    const { nodeKey, lockPublic, deviceName, osName, loginName } = verdict.fields
    return {
      IsValid: true,
      Error: '',
      Version: 1,
      NodeKey: nodeKey,
      TLPub: lockPublic,
      DeviceName: deviceName,
      OSName: osName,
      EmailAddress: loginName,
    }
  } catch (error) {
    return refused(reasonOf(error))
  }
}
