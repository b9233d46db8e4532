// SPDX-License-Identifier: Apache-2.0

/**
 * Map requests: the long poll, which only reads, and the short updates by which a node reports.
 *
 * The two leave a client at the same moment and arrive in either order, on the same or on different
 * connections. So the long poll changes nothing but the reported head, and an update never touches the poll.
 *
 * @module
 */

import { isZeroDiscoPublic } from '@signet/keys'
import { parseMapRequest } from '@signet/protocol'
import type { MapRequest } from '@signet/protocol'
import { parseAumHash, TkaError } from '@signet/tka'
import type { ServerStream } from '@signet/ts2021'
import { ControlError } from '../errors.ts'
import { MAX_CLIENT_INT, MAX_ENDPOINTS, MIN_CAPABILITY_VERSION, WHOLE_MAP_COST } from '../limits.ts'
import type { Compression } from '../map/frame-encoder.ts'
import { encodeFrame } from '../map/frame-encoder.ts'
import { composeFull } from '../map/full.ts'
import { lockSignalFor, lockSignalJson } from '../map/lock-signal.ts'
import type { NodeRow } from '../store/rows.ts'
import { sameList } from '../tailnet/lists.ts'
import type { FoundNode } from '../tailnet/tailnets.ts'
import { withAutoApproved } from './auto-approve.ts'
import { describeHost, nameFor } from './host.ts'
import { ERROR } from './register-response.ts'
import type { Answer, Caller } from './request.ts'
import type { MachineServices } from './services.ts'
import { nodeOfCaller } from './services.ts'
import { streamSink } from './stream-sink.ts'

/** Serves one map request. */
export async function serveMap(
  services: MachineServices,
  caller: Caller,
  body: Uint8Array,
  stream: ServerStream,
): Promise<Answer | null> {
  const request = parseMapRequest(body)
  const found = nodeOfCaller(services, caller, request.NodeKey)
  const cost = request.OmitPeers === true ? 1 : WHOLE_MAP_COST
  services.loginLimits.mapRequests.use(caller.machineKey, cost)
  if (request.Version < MIN_CAPABILITY_VERSION) {
    throw new ControlError('old-client', ERROR.oldClient)
  }
  if (request.Version > MAX_CLIENT_INT) throw new ControlError('bad-request', ERROR.noVersion)
  // A request that was cancelled may carry what has been overtaken.
  if (stream.closed) return null
  const compression = compressionOf(request)
  if (request.Stream === true) {
    if (request.ReadOnly !== true) noteHead(found, request, services.clock.now())
    openStream(services, found, request, stream)
    return null
  }
  // Acknowledged when it is durable.
  if (request.ReadOnly !== true) await applyReport(services, found, request)
  if (request.OmitPeers === true) return { status: 200, body: '' }
  return { status: 200, body: oneFrame(services, found, compression) }
}

function compressionOf(request: MapRequest): Compression {
  if (request.Compress === 'zstd') return 'zstd'
  if (request.Compress === undefined || request.Compress === '') return 'none'
  throw new ControlError('bad-request', 'This server compresses maps with zstd only')
}

function openStream(
  services: MachineServices,
  { tailnet, node }: FoundNode,
  request: MapRequest,
  stream: ServerStream,
): void {
  const { sessions, presence } = services.runtime(tailnet)
  stream.respond(200, { 'content-type': 'application/json' })
  const disconnect = presence.connect(node.row.id)
  const current = tailnet.nodes.get(node.row.id) ?? node
  const session = sessions.open(current, {
    compression: compressionOf(request),
    omitPeers: request.OmitPeers === true,
    sink: streamSink(stream),
    onEnd: disconnect,
  })
  stream.onClose(() => sessions.close(session))
}

/** Everything once, for whoever does not want to stay. */
function oneFrame(
  services: MachineServices,
  { tailnet, node }: FoundNode,
  compression: Compression,
): Buffer {
  const current = tailnet.nodes.get(node.row.id) ?? node
  const { sessions } = services.runtime(tailnet)
  const json = composeFull(tailnet, current, {
    lock: lockSignalJson(lockSignalFor(tailnet.lock, current.row.reportedHead)),
    now: services.clock.now(),
    peers: true,
    relays: sessions.relays(),
    guidance: sessions.guide.for(current),
  })
  return encodeFrame(json, compression, services.counters)
}

/** Remembers which head of the lock the node has. */
function noteHead({ tailnet, node }: FoundNode, request: MapRequest, now: number): void {
  const head = reportedHead(request)
  if (head === node.row.reportedHead) return
  void tailnet.note({ ...node.row, reportedHead: head, reportedHeadAt: now })
}

/** Stores what a node reports about itself. */
async function applyReport(
  services: MachineServices,
  { tailnet, node }: FoundNode,
  request: MapRequest,
): Promise<void> {
  const { row } = node
  const now = services.clock.now()
  const host = describeHost(request.Hostinfo, row)
  const head = reportedHead(request)
  const endpoints = (request.Endpoints ?? []).filter(isUseful).slice(0, MAX_ENDPOINTS)
  const next: NodeRow = {
    ...row,
    ...host,
    ...nameFor(tailnet, row, host),
    discoKey: isZeroDiscoPublic(request.DiscoKey) ? row.discoKey : request.DiscoKey,
    endpoints: sameList(row.endpoints, endpoints) ? row.endpoints : endpoints,
    endpointTypes: request.EndpointTypes?.slice(0, MAX_ENDPOINTS) ?? [],
    capabilityVersion: request.Version,
    reportedHead: head,
    reportedHeadAt: head === row.reportedHead ? row.reportedHeadAt : now,
  }
  if (!isSameReport(row, next)) {
    await tailnet.note(withAutoApproved(services, tailnet, row, next))
  }
}

/** A zone is the name of an interface of that machine: of no use to others, and as long as it likes. */
function isUseful(endpoint: string): boolean {
  return endpoint !== '' && !endpoint.includes('%')
}

/** The head in a request; what is no head counts as none. */
function reportedHead(request: MapRequest): string {
  const text = request.TKAHead ?? ''
  if (text === '') return ''
  try {
    parseAumHash(text)
    return text
  } catch (error) {
    if (error instanceof TkaError) return ''
    throw error
  }
}

function isSameReport(a: NodeRow, b: NodeRow): boolean {
  return (
    a.hostinfo === b.hostinfo &&
    a.name === b.name &&
    a.discoKey === b.discoKey &&
    a.endpoints === b.endpoints &&
    sameList(a.endpointTypes.map(String), b.endpointTypes.map(String)) &&
    a.capabilityVersion === b.capabilityVersion &&
    a.reportedHead === b.reportedHead
  )
}
