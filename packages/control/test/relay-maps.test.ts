// SPDX-License-Identifier: Apache-2.0

/**
 * Maps of outside relays: what is taken and what is refused, where they come from, and how nodes hear of them.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createFakeClock } from '@signet/testkit'
import pino from 'pino'
import {
  MAP_FILE_POLL_MS,
  MAP_RETRY_MS,
  MAX_MAP_BYTES,
  MAX_MAP_NODES_PER_REGION,
  MAX_MAP_REGIONS,
  MAX_YAML_MARKS,
} from '../src/relay/limits.ts'
import { openMapSources } from '../src/relay/map-sources.ts'
import type { MapSources } from '../src/relay/map-sources.ts'
import { parseRelayMap } from '../src/relay/parse-relay-map.ts'
import { embeddedRelay, mergedMapJson } from '../src/relay/relay-map.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import { eventually } from './support/relay-client.ts'

const root = mkdtempSync(join(tmpdir(), 'signet-maps-'))
after(() => rmSync(root, { recursive: true }))
let made = 0
const folder = (): string => mkdtempSync(join(root, `${made++}-`))

const NODE = { Name: '901a', RegionID: 901, HostName: 'relay.example.net' }
const REGION = { RegionID: 901, RegionCode: 'home', RegionName: 'At home', Nodes: [NODE] }
const MAP = { Regions: { 901: REGION } }

/** A map with something else in it. */
const mapWith = (node: object = {}, region: object = {}): string =>
  JSON.stringify({ Regions: { 901: { ...REGION, Nodes: [{ ...NODE, ...node }], ...region } } })

const manyKeys = (count: number): string =>
  Array.from({ length: count }, (_, index) => `k${index}:\n`).join('')

const YAML = `
regions:
  901:
    regionid: 901
    regioncode: home
    regionname: At home
    nodes:
      - name: 901a
        regionid: 901
        hostname: relay.example.net
        ipv4: 192.0.2.1
        stunport: 0
        stunonly: false
        derpport: 0
`

describe('parseRelayMap()', () => {
  it('reads JSON and YAML, names in any case', () => {
    const wanted = { ...REGION, Nodes: [{ ...NODE, IPv4: '192.0.2.1' }] }
    for (const text of [YAML, mapWith({ IPv4: '192.0.2.1' })]) {
      const { Regions } = JSON.parse(mergedMapJson(undefined, [parseRelayMap(text)]))
      assert.deepEqual(Regions, { 901: wanted })
    }
  })

  it('fills in numbers that are left out, and leaves out what is for tests', () => {
    const node = { RegionID: 0, STUNTestIP: '192.0.2.9' }
    const { regions } = parseRelayMap(mapWith(node, { RegionID: 0, Nodes: [{ ...NODE, ...node }] }))
    assert.deepEqual(JSON.parse(JSON.stringify(regions.get(901))), REGION)
  })

  const nodes = (count: number): object => ({
    Nodes: Array.from({ length: count }, (_, i) => ({ ...NODE, Name: `n${i}` })),
  })
  const regions = (count: number): string =>
    JSON.stringify({
      Regions: Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          i + 1,
          { ...REGION, RegionID: i + 1, Nodes: [{ ...NODE, RegionID: i + 1 }] },
        ]),
      ),
    })
  const sized = (length: number): string => mapWith().padEnd(length)

  const rows: readonly (readonly [string, string, RegExp | null])[] = [
    ['no JSON', '{"Regions":', /Cannot use relay map/],
    ['no YAML', 'a: [', /Cannot use relay map/],
    ['a YAML alias', 'a: &x [1]\nb: *x', /Cannot use relay map/],
    ['a list', '- 1', /Cannot use relay map/],
    ['deep nesting', `regions: ${'['.repeat(20_000)}`, /Cannot use relay map/],
    ['YAML of as many keys as may be', manyKeys(MAX_YAML_MARKS / 2), /no regions/],
    ['YAML of many keys', manyKeys(MAX_YAML_MARKS / 2 + 1), /use JSON/],
    ['YAML of brackets', '['.repeat(MAX_YAML_MARKS + 1), /use JSON/],
    ['deep nesting in JSON', `{"Regions":${'['.repeat(20_000)}`, /Cannot use relay map/],
    ['nothing', '', /no regions/],
    ['no regions', '{"Regions":{}}', /no regions/],
    ['a null region', '{"Regions":{"901":null}}', /region 901 is null/],
    ['region 0', '{"Regions":{"0":{}}}', /from 1 to 65535/],
    ['region 65536', regions(1).replace('"1"', '"65536"'), /from 1 to 65535/],
    ['another number', mapWith({}, { RegionID: 7 }), /calls itself 7/],
    ['no code', mapWith({}, { RegionCode: '' }), /the code of region 901/],
    ['a control character', mapWith({}, { RegionName: 'a\u001b[2J' }), /the name of region 901/],
    ['no relays', mapWith({}, { Nodes: [] }), /no relays/],
    ['null for relays', mapWith({}, { Nodes: null }), /no relays/],
    ['a null relay', mapWith({}, { Nodes: [null] }), /is null/],
    ['a name twice', mapWith({}, { Nodes: [NODE, NODE] }), /two relays named/],
    ['a relay of elsewhere', mapWith({ RegionID: 5 }), /belongs to region 5/],
    ['no host', mapWith({ HostName: '' }), /host name/],
    ['a path for a host', mapWith({ HostName: 'a/b' }), /host name/],
    ['a bad IPv4', mapWith({ IPv4: '192.0.2' }), /bad IPv4/],
    ['IPv6 for IPv4', mapWith({ IPv4: '::1' }), /bad IPv4/],
    ['a bad IPv6', mapWith({ IPv6: '192.0.2.1' }), /bad IPv6/],
    ['none for an address', mapWith({ IPv4: 'none', IPv6: 'none' }), null],
    ['a pinned certificate', mapWith({ CertName: `sha256-raw:${'ab'.repeat(32)}` }), null],
    ['a bad pin', mapWith({ CertName: 'sha256-raw:ab' }), /certificate name/],
    ['STUN off', mapWith({ STUNPort: -1 }), null],
    ['a bad STUN port', mapWith({ STUNPort: -2 }), /STUN port/],
    ['the last STUN port', mapWith({ STUNPort: 65_535 }), null],
    ['a STUN port beyond', mapWith({ STUNPort: 65_536 }), /STUN port/],
    ['a bad port', mapWith({ DERPPort: 65_536 }), /bad port/],
    ['an unchecked certificate', mapWith({ InsecureForTests: true }), /not checked/],
    ['a bad score', '{"HomeParams":{"RegionScore":{"901":0}},' + mapWith().slice(1), /score/],
    ['as many relays as may be', mapWith({}, nodes(MAX_MAP_NODES_PER_REGION)), null],
    ['a relay more', mapWith({}, nodes(MAX_MAP_NODES_PER_REGION + 1)), /more than 32 relays/],
    ['as many regions as may be', regions(MAX_MAP_REGIONS), null],
    ['a region more', regions(MAX_MAP_REGIONS + 1), /more than 256 regions/],
    ['as much text as may be', sized(MAX_MAP_BYTES), null],
    ['a byte more', sized(MAX_MAP_BYTES + 1), /exceeds/],
  ]
  for (const [what, text, message] of rows) {
    it(`${message === null ? 'takes' : 'refuses'} ${what}`, () => {
      if (message === null) assert.ok(parseRelayMap(text).regions.size > 0)
      else assert.throws(() => parseRelayMap(text), { name: 'RelayMapError', message })
    })
  }
})

describe('mergedMapJson()', () => {
  const self = embeddedRelay({
    url: 'https://lock.example.net',
    stunPort: 3478,
    region: { id: 901, code: 'ours', name: 'Our own' },
  })

  it('has the later of two maps win, and never the default regions', () => {
    const [one, two] = [parseRelayMap(mapWith()), parseRelayMap(mapWith({ HostName: 'b.example' }))]
    const merged = JSON.parse(mergedMapJson(undefined, [one, two]))
    assert.equal(merged.omitDefaultRegions, true)
    assert.deepEqual(Object.keys(merged.Regions), ['901'])
    assert.equal(merged.Regions[901].Nodes[0].HostName, 'b.example')
  })

  it('takes a region of the same number as others of the own one', () => {
    const map = parseRelayMap(
      mapWith({}, { Nodes: [NODE, { ...NODE, Name: 'x', HostName: 'LOCK.example.net' }] }),
    )
    const { Regions } = JSON.parse(mergedMapJson(self, [map]))
    assert.equal(Regions[901].RegionCode, 'ours')
    assert.deepEqual(
      Regions[901].Nodes.map((node: { Name: string; HostName: string }) => [
        node.Name,
        node.HostName,
      ]),
      [
        ['901b', 'lock.example.net'],
        ['901a', 'relay.example.net'],
      ],
    )
  })

  it('keeps scores of regions that are there', () => {
    const scores = '{"HomeParams":{"RegionScore":{"901":0.5,"7":2}},'
    const map = parseRelayMap(scores + mapWith().slice(1))
    assert.deepEqual(JSON.parse(mergedMapJson(undefined, [map])).HomeParams, {
      RegionScore: { 901: 0.5 },
    })
  })
})

/** A place for a map, whose answer the test chooses. */
async function mapServer() {
  const state = { status: 200, body: JSON.stringify(MAP), asked: 0, unchanged: 0 }
  const server = createServer((request, response) => {
    state.asked++
    const etag = `"${state.body.length}"`
    if (request.headers['if-none-match'] === etag && state.status === 200) {
      state.unchanged++
      response.writeHead(304).end()
      return
    }
    response.writeHead(state.status, { etag }).end(state.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/map`
  return {
    state,
    url,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

describe('openMapSources()', () => {
  const refreshMs = 3_600_000
  const hostOf = (sources: MapSources): string | undefined =>
    sources.maps()[0]?.regions.get(901)?.Nodes?.[0]?.HostName

  it('fetches again and again, keeps the last good map, and knows it after a restart', async () => {
    await using place = await mapServer()
    const { state, url } = place
    const clock = createFakeClock()
    let changes = 0
    const stateDir = folder()
    const open = (): MapSources =>
      openMapSources({
        urls: [url],
        files: [],
        refreshMs,
        stateDir,
        clock,
        logger: pino({ level: 'silent' }),
        onChange: () => changes++,
        random: () => 0,
      })
    const sources = open()
    const isGood = (): boolean => sources.status()[0]?.goodAt === clock.now()
    await eventually('it came', isGood)
    assert.equal(hostOf(sources), 'relay.example.net')
    // Not changed: not even sent.
    clock.advance(refreshMs)
    await eventually('asked again', isGood)
    assert.equal(state.unchanged, 1)
    assert.equal(changes, 1)

    const problems: readonly [number, string, RegExp][] = [
      [500, 'x', /status 500/],
      [200, 'nonsense: [', /Cannot use relay map/],
      [200, '{"Regions":{"901":null}}', /region 901 is null/],
      [200, 'x'.repeat(MAX_MAP_BYTES + 1), /exceeds/],
    ]
    let wait = refreshMs
    for (const [index, [status, body, problem]] of problems.entries()) {
      Object.assign(state, { status, body })
      const asked = state.asked
      clock.advance(wait - 1)
      assert.equal(state.asked, asked)
      clock.advance(1)
      await eventually('it failed', () => problem.test(sources.status()[0]?.problem ?? ''))
      wait = MAP_RETRY_MS * 2 ** index
      assert.equal(hostOf(sources), 'relay.example.net')
    }
    assert.equal(changes, 1)
    sources[Symbol.dispose]()

    // The network is down, and the server starts.
    Object.assign(state, { status: 503, body: '' })
    using again = open()
    assert.equal(hostOf(again), 'relay.example.net')
    await eventually('it failed', () => /503/.test(again.status()[0]?.problem ?? ''))
    assert.equal(again.status()[0]?.goodAt, null)
    Object.assign(state, { status: 200, body: mapWith({ HostName: 'b.example' }) })
    clock.advance(MAP_RETRY_MS)
    await eventually('it came', () => hostOf(again) === 'b.example')
    assert.equal(changes, 2)
    assert.equal(statSync(join(stateDir, 'derp-maps.json')).mode & 0o777, 0o600)
  })

  it('takes a damaged cache for none', async () => {
    await using place = await mapServer()
    for (const text of ['', '{', '[]', '{"x":1}', `{"${place.url}":{"text":"{}","etag":"1"}}`]) {
      const stateDir = folder()
      writeFileSync(join(stateDir, 'derp-maps.json'), text)
      using sources = openMapSources({
        urls: [place.url],
        files: [],
        refreshMs,
        stateDir,
        clock: createFakeClock(),
        logger: pino({ level: 'silent' }),
        onChange() {},
      })
      assert.equal(hostOf(sources), undefined)
      await eventually('it came', () => hostOf(sources) === 'relay.example.net')
      assert.match(readFileSync(join(stateDir, 'derp-maps.json'), 'utf8'), /relay\.example\.net/)
    }
  })

  it('reads a file again when it has changed, and not what cannot be used', () => {
    const stateDir = folder()
    const path = join(stateDir, 'map.yaml')
    const clock = createFakeClock()
    let changes = 0
    const open = (): MapSources =>
      openMapSources({
        urls: [],
        files: [path],
        refreshMs,
        stateDir,
        clock,
        logger: pino({ level: 'silent' }),
        onChange: () => changes++,
      })
    assert.throws(open, { code: 'bad-config', message: /map\.yaml/ })
    writeFileSync(path, 'nonsense: [')
    assert.throws(open, { code: 'bad-config' })
    writeFileSync(path, YAML)
    using sources = open()
    assert.equal(hostOf(sources), 'relay.example.net')
    clock.advance(MAP_FILE_POLL_MS)
    assert.equal(changes, 0)
    writeFileSync(path, mapWith({ HostName: 'b.example' }))
    clock.advance(MAP_FILE_POLL_MS - 1)
    assert.equal(changes, 0)
    clock.advance(1)
    assert.deepEqual([changes, hostOf(sources)], [1, 'b.example'])
    writeFileSync(path, 'nonsense: [')
    clock.advance(MAP_FILE_POLL_MS)
    rmSync(path)
    clock.advance(MAP_FILE_POLL_MS)
    assert.deepEqual([changes, hostOf(sources)], [1, 'b.example'])
    assert.match(sources.status()[0]?.problem ?? '', /ENOENT/)
    writeFileSync(path, YAML)
    clock.advance(MAP_FILE_POLL_MS)
    assert.deepEqual([changes, sources.status()[0]?.problem], [2, null])
  })
})

describe('a server with outside relays', () => {
  it('tells nodes of another map at once', async () => {
    const path = join(folder(), 'map.yaml')
    writeFileSync(path, YAML)
    await using place = await mapServer()
    place.state.status = 503
    const clock = createFakeClock()
    await using server = await startRealServer({
      clock,
      relay: {
        mapFiles: [path],
        mapUrls: [place.url],
        region: { id: 950, code: 'x', name: 'X' },
      },
    })
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream()
    const ticking = setInterval(() => clock.advance(10), 1)
    const first = await stream.next((message) => message.DERPMap !== undefined)
    clearInterval(ticking)
    const regionsOf = (message: typeof first): string[] =>
      Object.keys(message.DERPMap?.Regions ?? {})
    assert.deepEqual(regionsOf(first), ['901', '950'])
    assert.equal(first.DERPMap?.omitDefaultRegions, true)
    const { json } = await server.admin('GET', '/relay')
    assert.deepEqual([json.region, json.maps.length, json.maps[1].regions], [950, 2, 1])
    writeFileSync(path, mapWith({ HostName: 'b.example' }))
    clock.advance(MAP_FILE_POLL_MS)
    const next = await stream.next((message) => message.DERPMap !== undefined)
    assert.deepEqual(regionsOf(next), ['901', '950'])
    assert.equal(next.DERPMap?.Regions?.[901]?.Nodes?.[0]?.HostName, 'b.example')
    assert.equal(next.Peers, undefined)
    stream.cancel()
    machine.close()
  })
})
