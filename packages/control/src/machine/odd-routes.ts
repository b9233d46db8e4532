// SPDX-License-Identifier: Apache-2.0

/**
 * What official clients may ask that this server does not do, each with an answer that says so, and the few
 * that are answered in a line.
 *
 * @module
 */

import {
  auditLogRequest,
  encodeJson,
  parseJson,
  queryFeatureRequest,
  queryFeatureResponse,
  setDeviceAttributesRequest,
  setDnsRequest,
  tokenRequest,
} from '@signet/protocol'
import type { Codec } from '@signet/protocol'
import type { NodePublic } from '@signet/keys'
import { ControlError } from '../errors.ts'
import { MAX_ODD_BODY_BYTES } from '../limits.ts'
import { jsonAnswer } from './request.ts'
import type { Answer } from './request.ts'
import type { Route } from './route.ts'
import { nodeOfCaller } from './services.ts'

/** Who asks must be a node all the same. */
function refusal<T extends { readonly NodeKey?: NodePublic | undefined }>(
  method: Route['method'],
  codec: Codec<T>,
  why: (request: T) => string,
): Route {
  return {
    method,
    limit: MAX_ODD_BODY_BYTES,
    serve(services, caller, body) {
      const request = parseJson(codec, body)
      if (request.NodeKey !== undefined) nodeOfCaller(services, caller, request.NodeKey)
      throw new ControlError('not-implemented', why(request))
    },
  }
}

const NO_CONTENT: Answer = { status: 204, body: '' }

/** The routes, by path. */
export const oddRoutes: readonly (readonly [path: string, route: Route])[] = [
  // Nobody has sent it since 2025; what it says is not needed.
  [
    '/machine/update-health',
    { method: 'POST', limit: MAX_ODD_BODY_BYTES, serve: () => jsonAnswer('{}') },
  ],
  [
    '/machine/feature/query',
    {
      method: 'POST',
      limit: MAX_ODD_BODY_BYTES,
      serve(services, caller, body) {
        const request = parseJson(queryFeatureRequest, body)
        if (request.NodeKey !== undefined) nodeOfCaller(services, caller, request.NodeKey)
        return jsonAnswer(
          encodeJson(queryFeatureResponse, { Text: featureText(request.Feature ?? '') }),
        )
      },
    },
  ],
  [
    '/machine/set-dns',
    refusal(
      'POST',
      setDnsRequest,
      () => 'This server publishes no DNS records, so it cannot help with certificates',
    ),
  ],
  [
    '/machine/id-token',
    refusal('POST', tokenRequest, () => 'This server issues no identity tokens'),
  ],
  [
    '/machine/set-device-attr',
    refusal(
      'PATCH',
      setDeviceAttributesRequest,
      () => 'This server keeps no attributes that devices set; use nodeAttrs in the policy',
    ),
  ],
  [
    '/machine/audit-log',
    {
      method: 'POST',
      limit: MAX_ODD_BODY_BYTES,
      serve(services, caller, body) {
        const { NodeKey, Action, Details } = parseJson(auditLogRequest, body)
        if (NodeKey === undefined) throw new ControlError('bad-request', 'A node key is needed')
        const { node } = nodeOfCaller(services, caller, NodeKey)
        services.loginLimits.auditLogs.use(caller.machineKey)
        services.logger.info(
          { node: node.row.id, action: Action?.slice(0, 100), details: Details?.slice(0, 1_000) },
          'node reports an action of its user',
        )
        return NO_CONTENT
      },
    },
  ],
  [
    '/machine/whoami',
    {
      method: 'GET',
      limit: MAX_ODD_BODY_BYTES,
      serve: ({ tailnets }, { machineKey, version }) =>
        jsonAnswer(
          JSON.stringify({
            MachineKey: machineKey,
            Version: version,
            Nodes: tailnets.all().flatMap((tailnet) =>
              tailnet.nodesOfMachine(machineKey).map(({ row }) => ({
                ID: row.id,
                Name: `${row.name}.${tailnet.row.domain}.`,
                Key: row.nodeKey,
              })),
            ),
          }),
        ),
    },
  ],
]

/** `webclient/init/SRC/to/DST` and `webclient/wait/SRC/to/DST/ID`. */
export const webClientRoute: Route = {
  method: 'POST',
  limit: MAX_ODD_BODY_BYTES,
  serve() {
    throw new ControlError(
      'not-implemented',
      'This server does not check who uses the web interface of a node',
    )
  },
}

/** Shown by `tailscale serve` and `tailscale funnel`. */
function featureText(feature: string): string {
  switch (feature) {
    case 'serve':
      return 'HTTPS is not available: this server cannot obtain certificates for nodes. Serve plain HTTP or TCP instead, as in "tailscale serve --http=80 localhost:3000".'
    case 'funnel':
      return 'Funnel is not available: this server has no public entry points.'
    default:
      return `This server does not have the feature ${JSON.stringify(feature.slice(0, 64))}.`
  }
}
