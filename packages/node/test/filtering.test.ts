// SPDX-License-Identifier: Apache-2.0

/**
 * The packet filter of a node: closed before the first map, then what the map says, and the user.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseMapResponse, type ControlNode, type FilterRule } from '@signet/protocol'
import { parseIp } from '@signet/wireguard'
import { createFiltering, type FilteringInput } from '../src/tunnel/filtering.ts'
import { encodeIcmpEcho } from '../src/tunnel/icmp.ts'

const ip = (text: string): Uint8Array => parseIp(text) ?? assert.fail(text)
const ping = encodeIcmpEcho(ip('100.64.0.2'), ip('100.64.0.1'), {
  kind: 'request',
  id: 1,
  sequence: 1,
  data: new Uint8Array(8),
})
const rulesFrom = (source: string): readonly FilterRule[] => [
  { SrcIPs: [source], DstPorts: [{ IP: '*', Ports: { First: 0, Last: 65_535 } }] },
]
const peer = (json: object): ControlNode => {
  const [node] = parseMapResponse(JSON.stringify({ Peers: [json] })).Peers ?? []
  return node ?? assert.fail()
}
const base: FilteringInput = {
  addresses: ['100.64.0.1/32'],
  peers: [],
  rules: rulesFrom('*'),
  shieldsUp: false,
}

describe('createFiltering()', () => {
  test('lets nothing in before the first map', () => {
    assert.equal(createFiltering().admits(ping), false)
  })

  test('follows the rules, the addresses and the wish of the user', () => {
    const filtering = createFiltering()
    const admits = (change: Partial<FilteringInput>): boolean => {
      filtering.update({ ...base, ...change })
      return filtering.admits(ping)
    }
    assert.equal(admits({}), true)
    assert.equal(admits({ shieldsUp: true }), false)
    assert.equal(admits({ rules: [] }), false)
    assert.equal(admits({ rules: rulesFrom('100.64.0.3') }), false)
    assert.equal(admits({ addresses: ['100.64.0.9/32'] }), false)
    assert.equal(admits({ addresses: ['', '100.64.0.1/32'] }), true)
  })

  test('knows a peer by what it can do, and forgets it', () => {
    const filtering = createFiltering()
    const rules = rulesFrom('cap:example.com/monitor')
    const holder = { ID: 2, Addresses: ['100.64.0.2/32'], CapMap: { 'example.com/monitor': null } }
    filtering.update({ ...base, rules, peers: [peer({ ...holder, CapMap: {} })] })
    assert.equal(filtering.admits(ping), false)
    filtering.update({ ...base, rules, peers: [peer(holder)] })
    assert.equal(filtering.admits(ping), true)
    filtering.update({ ...base, rules, peers: [] })
    assert.equal(filtering.admits(ping), false)
  })

  test('says once what it could not read', () => {
    const filtering = createFiltering()
    const rules = rulesFrom('nonsense')
    assert.deepEqual(filtering.update({ ...base, rules }), ['no source: "nonsense"'])
    assert.deepEqual(filtering.update({ ...base, rules }), [])
    assert.deepEqual(filtering.update({ ...base, rules, shieldsUp: true }), [])
  })
})
