// SPDX-License-Identifier: Apache-2.0

/**
 * The local API's calls that are not about the lock: status, preferences, login, ping, whois.
 *
 * @module
 */

import { isNodeKeyText } from './who.ts'
import {
  encodeNodeStatus,
  encodePingResult,
  encodePrefs,
  encodeWhoIs,
  notifyInitialState,
  parsePrefs,
  parsePrefsChange,
  parseStartOptions,
  PingKind,
  type Notify,
  type PingResult,
} from '@signet/protocol/local-api'
import { nodeVersion } from '../control/hostinfo.ts'
import { NodeError, reasonOf } from '../errors.ts'
import type { NodeParts } from '../parts.ts'
import type { NotifyBus } from './bus.ts'
import {
  bodyText,
  emptyReply,
  jsonReply,
  textReply,
  type ApiReply,
  type ApiRequest,
  type ApiRoute,
} from './http.ts'
import { addressesOf, statusOf } from './status.ts'
import { findNode } from './who.ts'

/** How long a ping waits for its answer; programs send the next one after that. */
const pingTimeoutMs = 5_000

/** Returns the routes. */
export function nodeRoutes(parts: NodeParts, bus: NotifyBus<Notify>): readonly ApiRoute[] {
  const { backend, stateFile } = parts
  const prefsReply = (): ApiReply => jsonReply(encodePrefs(stateFile.get().prefs))
  return [
    {
      path: 'status',
      methods: {
        GET: ({ query }) =>
          jsonReply(encodeNodeStatus(statusOf(parts, query.get('peers') !== 'false'))),
      },
    },
    {
      path: 'prefs',
      methods: {
        GET: prefsReply,
        PATCH(request) {
          backend.changePrefs(parsed(request, parsePrefsChange))
          return prefsReply()
        },
      },
    },
    {
      path: 'check-prefs',
      methods: {
        POST(request) {
          parsed(request, parsePrefs)
          return jsonReply('{"Error":""}')
        },
      },
    },
    {
      path: 'start',
      methods: {
        POST(request) {
          backend.start(parsed(request, parseStartOptions))
          return emptyReply()
        },
      },
    },
    {
      path: 'login-interactive',
      methods: {
        POST() {
          backend.loginInteractive()
          return emptyReply()
        },
      },
    },
    {
      path: 'logout',
      methods: {
        async POST() {
          await backend.logout()
          return emptyReply()
        },
      },
    },
    {
      path: 'watch-ipn-bus',
      methods: {
        GET: ({ query }) =>
          (Number(query.get('mask') ?? 0) & notifyInitialState) === 0
            ? bus.watch(undefined)
            : bus.watch(present(parts)),
      },
    },
    // Asked for by the official status command; nothing is served here.
    { path: 'serve-config', methods: { GET: () => jsonReply('{}') } },
    { path: 'ping', methods: { POST: (request) => ping(parts, request) } },
    { path: 'whois', methods: { GET: (request) => whois(parts, request) } },
  ]
}

/** What the bus says first. */
function present({ backend }: NodeParts): Notify {
  const url = backend.authUrl()
  return {
    Version: nodeVersion,
    State: backend.state(),
    ...(url !== '' && { BrowseToURL: url }),
  }
}

function parsed<T>(request: ApiRequest, parse: (text: string) => T): T {
  try {
    return parse(bodyText(request))
  } catch (cause) {
    // Bodies may hold an auth key: what exactly was wrong with one is not repeated.
    throw new NodeError('bad-argument', 'invalid JSON body', { cause })
  }
}

async function ping(parts: NodeParts, { query }: ApiRequest): Promise<ApiReply> {
  const ip = query.get('ip') ?? ''
  const kind = query.get('type') ?? ''
  if (ip === '') return textReply(400, "missing 'ip' parameter")
  if (kind === '') return textReply(400, "missing 'type' parameter")
  return jsonReply(encodePingResult(await pingResult(parts, ip, kind)))
}

/** An answer in every case: that there was none is a result, not a failure of the call. */
async function pingResult(
  { backend, engine }: NodeParts,
  ip: string,
  kind: string,
): Promise<Partial<PingResult>> {
  const netmap = backend.netmap()
  const node = netmap && findNode(netmap, ip)
  const known = {
    IP: ip,
    ...(node && { NodeIP: addressesOf(node)[0] ?? '', NodeName: node.Name.split('.', 1)[0] ?? '' }),
  }
  if (node && node === netmap.self)
    return { ...known, IsLocalIP: true, Err: `${ip} is local Tailscale IP` }
  if (kind === PingKind.PeerApi) return { ...known, Err: 'this node does not ask peer APIs' }
  try {
    const { latencyMs, endpoint, relay } = await engine.ping(ip, kindOf(kind), pingTimeoutMs)
    const way = relay
      ? { DERPRegionID: relay.region, DERPRegionCode: relay.code }
      : { Endpoint: endpoint }
    return { ...known, LatencySeconds: latencyMs / 1000, ...way }
  } catch (error) {
    return { ...known, Err: reasonOf(error) }
  }
}

function kindOf(kind: string): 'ICMP' | 'TSMP' | 'disco' {
  if (kind === PingKind.Icmp) return 'ICMP'
  return kind === PingKind.Tsmp ? 'TSMP' : 'disco'
}

function whois({ backend }: NodeParts, { query }: ApiRequest): ApiReply {
  const address = query.get('addr') ?? ''
  if (address === '') return textReply(400, "missing 'addr' parameter")
  const netmap = backend.netmap()
  const node = netmap && findNode(netmap, address)
  if (!node) {
    const what = isNodeKeyText(address) ? 'node key' : 'IP:port'
    return textReply(404, `no match for ${what}`)
  }
  const user = netmap.users.get(node.User)
  return jsonReply(
    encodeWhoIs({
      Node: {
        ID: node.ID,
        StableID: node.StableID,
        Name: node.Name,
        User: node.User,
        Addresses: node.Addresses,
        AllowedIPs: node.AllowedIPs ?? node.Addresses,
        ...(node.Tags && { Tags: node.Tags }),
      },
      UserProfile: {
        ID: node.User,
        LoginName: user?.LoginName ?? '',
        DisplayName: user?.DisplayName ?? '',
      },
    }),
  )
}
