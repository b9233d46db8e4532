// SPDX-License-Identifier: Apache-2.0
/** The table of formats: which adapter compares what. */

import type { Format } from './format.ts'
import { noiseRaw } from './noise-raw.ts'
import * as aums from './tka-aums.ts'
import * as chains from './tka-chains.ts'
import * as changes from './tka-changes.ts'
import { lockJson } from './tka-json.ts'
import * as netmap from './tka-netmap.ts'
import * as signatures from './tka-node-signatures.ts'
import { fsStore } from './tka-store.ts'
import { transcript } from './transcripts.ts'
import { controlJson } from './wire-control-json.ts'
import { derp } from './wire-derp.ts'
import { disco } from './wire-disco.ts'
import { keyText, naclBox } from './wire-keys.ts'
import { netmapDelta } from './wire-netmap.ts'
import { earlyPayload, noiseHandshake } from './wire-noise.ts'
import { packetFilter } from './wire-packet-filter.ts'
import { stun } from './wire-stun.ts'
import { wireguard } from './wire-wireguard.ts'

export const formats: ReadonlyMap<string, Format> = new Map([
  // tka: single updates
  ['aum-serialize', aums.aumSerialize],
  ['aum-hash-text', aums.aumHashTexts],
  ['aum-decode', aums.aumDecode],
  ['aum-decode-fuzz', aums.aumDecode],
  ['aum-verify', aums.aumVerify],
  ['state-apply', aums.stateApply],
  ['fork-choice', aums.forkChoice],
  // tka: chains
  ['chain-open', chains.chainOpen],
  ['bootstrap', chains.bootstrap],
  ['inform', chains.inform],
  ['sync', chains.sync],
  ['sync-offer-text', chains.syncOfferTexts],
  ['compact', chains.compact],
  ['fs-store', fsStore],
  // tka: making changes
  ['update-builder', changes.updateBuilder],
  ['create', changes.create],
  ['revocation', changes.revocation],
  ['disablement', changes.disablement],
  // tka: node-key signatures
  ['ed25519', signatures.ed25519],
  ['nks-decode', signatures.nksDecode],
  ['nks-decode-fuzz', signatures.nksDecode],
  ['nks-serialize', signatures.nksSerialize],
  ['nks-verify', signatures.nksVerify],
  ['nks-resign', signatures.nksResign],
  ['nks-credential', signatures.nksCredential],
  ['netmap-filter', netmap.netmapFilter],
  ['deeplink', netmap.deeplink],
  // tka: messages
  ['json', lockJson],
  // wire
  ['control-json', controlJson],
  ['derp', derp],
  ['disco', disco],
  ['early-payload', earlyPayload],
  ['key-text', keyText],
  ['nacl-box', naclBox],
  ['netmap-delta', netmapDelta],
  ['noise-handshake', noiseHandshake],
  ['packet-filter', packetFilter],
  ['stun', stun],
  ['wireguard', wireguard],
  // transcripts
  ['transcript', transcript],
  ['noise-raw', noiseRaw],
])
