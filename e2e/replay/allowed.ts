// SPDX-License-Identifier: Apache-2.0

/**
 * What may differ between the recording server and ours, field by field, each with its reason and as narrow
 * as it can be said. An entry that nothing needs any more fails the replay, so the list cannot rot.
 *
 * `first` is the first message of a stream, `map` what a stream has said by the end of a scenario; other
 * answers go by the path of their call.
 *
 * @module
 */

import { differences } from './compare.ts'
import { array, isObject, showText } from './transcript.ts'
import type { Json, JsonObject } from './transcript.ts'
import type { Finding } from './replay.ts'

/** What is known about a difference besides itself. */
export interface Facts {
  /** Whether this value of the recording stands for this one of ours, here and everywhere in the run. */
  readonly isOneToOne: (kind: string, recorded: Json | undefined, live: Json | undefined) => boolean
}

/** One entry. */
export interface Allowed {
  readonly path: RegExp
  readonly why: string
  readonly when?: (finding: Finding, facts: Facts) => boolean
}

const DAY_MS = 24 * 60 * 60 * 1_000
const MAP = '^(?:first|map)\\.'
const anyMap = (rest: string): RegExp => new RegExp(`${MAP}${rest}$`)
const anyNode = (rest: string): RegExp => new RegExp(`${MAP}(?:Node|Peers\\.\\*)\\.${rest}$`)

const onlyRecorded = ({ live }: Finding): boolean => live === undefined
const onlyLive = ({ recorded }: Finding): boolean => recorded === undefined

export const allowed: readonly Allowed[] = [
  // What the server makes up by itself
  {
    path: anyNode('StableID'),
    why: 'Stable ids are random here, and numbered there; one stands for the other throughout.',
    when: ({ recorded, live }, { isOneToOne }) => isOneToOne('stable id', recorded, live),
  },
  {
    path: anyNode('(?:Addresses|AllowedIPs)'),
    why: 'IPv6 addresses are built in another way; each stands for one of the recording throughout.',
    when: ({ recorded, live }, { isOneToOne }) =>
      array(recorded).length === array(live).length &&
      array(recorded).every((address, index) => isOneToOne('address', address, array(live)[index])),
  },
  {
    path: anyNode('(?:KeyExpiry|Created)'),
    why: 'Another clock, and fractions of a second: within two days of the recording.',
    when: ({ recorded, live }) => isNear(recorded, live),
  },
  {
    path: anyNode('LastSeen'),
    why: 'It is said of nodes that are offline only; clients use it for nothing else.',
    when: ({ recorded, live }) => isNear(recorded, live) || live === undefined,
  },
  {
    path: /^register\.AuthURL$/,
    why: 'The address of a login is random; the followup goes to the one that we gave.',
    when: ({ recorded, live }) => isUrl(recorded) && isUrl(live),
  },
  {
    path: /^key\.legacyPublicKey$/,
    why: 'Only a protocol that is long gone used it: a key of zeros.',
    when: ({ live }) => live === `mkey:${'0'.repeat(64)}`,
  },
  // Users
  {
    path: /^register\.(?:User|Login)\.DisplayName$/,
    why: 'A user has one name here, which is shown everywhere.',
    when: ({ live }) => typeof live === 'string' && live !== '',
  },
  {
    path: anyMap('UserProfiles\\.\\*\\.DisplayName'),
    why: 'A user has one name here, which is shown everywhere.',
    when: ({ live }) => typeof live === 'string' && live !== '',
  },
  {
    path: /^register\.Login\.Provider$/,
    why: 'We are another provider.',
    when: ({ live }) => live === 'signet',
  },
  {
    path: anyMap('UserProfiles\\.\\*'),
    why: 'The owner of tagged nodes is sent when there is a tagged node, and has another number.',
    when: ({ recorded, live }) =>
      isObject(recorded) && recorded['LoginName'] === 'tagged-devices' && live === undefined,
  },
  {
    path: anyNode('User'),
    why: 'The owner of tagged nodes has a number that no user can get.',
    when: ({ live }) => live === 2 ** 31 - 1,
  },
  // The tailnet
  {
    path: anyMap('Domain'),
    why: 'The tailnet is called by its name on this server.',
    when: ({ recorded, live }) => typeof recorded === 'string' && typeof live === 'string',
  },
  {
    path: anyMap('Node\\.CapMap\\.tailnet-display-name'),
    why: 'The tailnet is called by its name on this server.',
    when: ({ recorded, live }) => Array.isArray(recorded) && Array.isArray(live),
  },
  {
    path: anyMap('DERPMap\\.Regions\\.\\d+\\.Region(?:Code|Name)'),
    why: 'Each server names its own relay.',
    when: ({ live }) => typeof live === 'string' && live !== '',
  },
  {
    path: anyMap('DERPMap\\.Regions\\.\\d+\\.Nodes\\.\\*\\.(?:STUN|DERP)Port'),
    why: 'Each relay has its own ports, and this server answers no STUN in the replay.',
    when: ({ live }) => typeof live === 'number',
  },
  {
    path: anyMap('DERPMap\\.Regions\\.\\d+\\.Nodes\\.\\*\\.STUNTestIP'),
    why: 'For tests of official clients.',
    when: onlyRecorded,
  },
  // Tags and routes
  {
    path: anyMap('(?:Node|Peers\\.\\*)\\.PrimaryRoutes'),
    why: "Exit routes are nobody's primary routes: every exit node has them.",
    when: ({ recorded, live }) =>
      array(recorded).every((route) => route === '0.0.0.0/0' || route === '::/0') &&
      array(live).length === 0,
  },
  {
    path: /^map\.Node\.(?:Tags|KeyExpiry|CapMap\.https:\/\/tailscale\.com\/cap\/is-admin)$/,
    why: 'The recording server did not tell a node that its tags were granted until it asked again.',
    when: ({ isTagged }) => isTagged,
  },
  {
    path: anyMap('Peers\\.\\*\\.CapMap'),
    why: 'An exit node may be suggested to its peers.',
    when: ({ recorded, live }) =>
      recorded === undefined && JSON.stringify(live) === '{"suggest-exit-node":null}',
  },
  {
    path: /^map\.Peers\.\*\.(?:Tags|User|KeyExpiry)$/,
    why: 'The recording server told peers of granted tags when something else of the node had changed.',
    when: ({ aboutTagged }) => aboutTagged,
  },
  // What is not offered
  {
    path: anyMap('DNSConfig\\.CertDomains'),
    why: 'Certificates for names of the tailnet are not offered, and so are not announced.',
    when: onlyRecorded,
  },
  {
    path: anyMap('Node\\.CapMap\\.(?:https|funnel|https://tailscale\\.com/cap/funnel-ports.*)'),
    why: 'Certificates and Funnel are not offered, and so are not announced.',
    when: onlyRecorded,
  },
  {
    path: anyMap('Node\\.CapMap\\.(?:default-auto-update|debug-disable-upnp|probe-udp-lifetime)'),
    why: 'Settings of the recording: what a client does by itself when nobody says otherwise.',
    when: onlyRecorded,
  },
  {
    path: anyMap('Node\\.CapMap\\.https://tailscale\\.com/cap/is-owner'),
    why: 'The only user owns the tailnet, and is told so.',
    when: onlyLive,
  },
  {
    path: /^(?:set-dns|id-token|set-device-attr)\.status$/,
    why: 'Certificates, identity tokens and attributes set by devices are not offered, which is said.',
    when: ({ recorded, live }) => (recorded === 200 || recorded === 404) && live === 501,
  },
  {
    path: /^feature\/query\.(?:Complete|Text)$/,
    why: 'What needs certificates cannot be switched on; the user is told what can.',
    when: ({ path, live }) => (path.endsWith('Text') ? isText(live) : live === undefined),
  },
  // What nodes are told about themselves and each other
  {
    path: anyMap('Node\\.Online'),
    why: 'A node is told that it is online; the recording server told it nothing.',
    when: ({ recorded, live }) => recorded === undefined && live === true,
  },
  {
    path: anyMap('Peers\\.\\*\\.Hostinfo\\.(?!Services).*'),
    why: 'Peers get the host information that clients use, not serial numbers and versions.',
    when: onlyRecorded,
  },
  {
    path: anyNode('(?:Hostinfo\\..*|Hostinfo|Endpoints|DiscoKey|HomeDERP)'),
    why: 'The recording server told later streams only some of what a node had reported. Ours tells its last word.',
    when: ({ path, live, reported }) => isReported(path, live, reported),
  },
  {
    path: anyNode('(?:Hostinfo\\.NetInfo|Endpoints|DiscoKey|HomeDERP)'),
    why: 'A node that had joined before the recording began had reported it before, too.',
    when: ({ live, isEarlier }) => live === undefined && isEarlier,
  },
  // Faults that the recording server was told to have
  {
    path: /^(?:register|map)\.status$/,
    why: 'The recording server was made to fail here.',
    when: ({ recorded, live }) => (recorded === 500 || recorded === 429) && live === 200,
  },
  {
    path: /^map\.TKAInfo$/,
    why: 'The recording server was made to push a head of zeros.',
    when: ({ recorded, live }) =>
      isObject(recorded) && /^A+$/.test(showText(recorded['Head'])) && live === undefined,
  },
  {
    path: /^c2n\.status$/,
    why: 'The answer of a node that was asked is taken without a word.',
    when: ({ recorded, live }) => recorded === 200 && live === 204,
  },
  // Refusals
  {
    path: /^register\.Error$/,
    why: 'Each server refuses in its own words.',
    when: ({ recorded, live }) => isText(recorded) && isText(live),
  },
  // The lock
  {
    path: /^tka\/init\/finish\.status$/,
    why: 'A disablement secret for support is refused; the same without it is taken.',
    when: ({ recorded, live, request }) =>
      recorded === 200 && live === 403 && request['SupportDisablement'] !== undefined,
  },
  {
    path: /^tka\/sign\.status$/,
    why: 'A signature with a wrapping key of zeros is refused: its node could not renew it.',
    when: ({ recorded, live, request }) =>
      recorded === 200 && live === 400 && hasNoWrappingKey(showText(request['Signature'])),
  },
  {
    path: /^map\.(?:Node|Peers\.\*)\.KeySignature$/,
    why: 'It was made between two recordings, so no recorded message of an older stream has it.',
    when: ({ recorded, isBetween }) => recorded === undefined && isBetween,
  },
  {
    path: /^tka\/sync\/offer\.Ancestors$/,
    why: 'A node that is merely behind is offered its own head first, so that it sends nothing back.',
    when: ({ recorded, live, request }) =>
      JSON.stringify(live) === JSON.stringify([request['Head'], ...array(recorded)]),
  },
  {
    path: anyMap('TKAInfo'),
    why: 'A node that may still follow a lock that was ended is told so.',
    when: ({ recorded, live }) =>
      recorded === undefined && isObject(live) && live['Disabled'] === true,
  },
  {
    path: anyNode('KeySignature'),
    why: 'Signatures are kept when the lock ends, for nodes that have not heard of it.',
    when: ({ recorded, lock }) =>
      recorded === undefined && isObject(lock) && lock['Disabled'] === true,
  },
]

function isText(value: Json | undefined): boolean {
  return typeof value === 'string' && value !== ''
}

function isUrl(value: Json | undefined): boolean {
  return typeof value === 'string' && /^https?:\/\/[^/]+\/.+/.test(value)
}

function isNear(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return false
  return Math.abs(Date.parse(a) - Date.parse(b)) < 2 * DAY_MS
}

/** Whether a signature (of the canonical form) names a wrapping key of 32 zero bytes. */
function hasNoWrappingKey(base64: string): boolean {
  return Buffer.from(base64, 'base64').includes(Buffer.concat([WRAPPING_KEY, Buffer.alloc(32)]))
}

/** Member 6, a byte string of 32. */
const WRAPPING_KEY = Buffer.from([0x06, 0x58, 0x20])

/** Whether a node has said this of itself: its last word on the matter. */
function isReported(
  path: string,
  live: Json | undefined,
  reported: readonly JsonObject[],
): boolean {
  const names = path.replace(/^.*?\.(?=Hostinfo|Endpoints|DiscoKey|HomeDERP)/, '').split('.')
  const field = names[0] === 'HomeDERP' ? ['Hostinfo', 'NetInfo', 'PreferredDERP'] : names
  // Network measurements are left out when there are none, and the rest of the host information never is.
  const [top = '', second = ''] = field
  const whole = second === 'NetInfo' ? [top, second] : [top]
  const last = reported.find((request) => valuesAt(request, whole).length > 0)
  if (last === undefined) return false
  // A change of the measurements alone is no reason to tell the node itself again.
  const said = (second === 'NetInfo' ? reported : [last]).flatMap((word) => valuesAt(word, field))
  if (live === undefined) return top === 'Hostinfo' && (said.length === 0 || field.includes('*'))
  return said.some((value) => differences('', value, live).length === 0)
}

/** Every value at a place; `*` stands for each item of a list. */
function valuesAt(from: Json, names: readonly string[]): Json[] {
  const [name, ...rest] = names
  if (name === undefined) return [from]
  if (name === '*') return array(from).flatMap((item) => valuesAt(item, rest))
  const next = isObject(from) ? from[name] : undefined
  return next === undefined ? [] : valuesAt(next, rest)
}
