// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import pino from 'pino'
import { clientVersionJson } from '../src/guidance/client-version.ts'
import { DEFAULT_DNS, dnsConfigFor } from '../src/guidance/dns.ts'
import { dnsSettings } from '../src/guidance/dns-settings.ts'
import { startSteering } from '../src/guidance/live.ts'
import { MAX_DNS_ENTRIES } from '../src/limits.ts'
import { readPolicy } from '../src/policy/policy.ts'
import { openTestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

describe('dnsConfigFor()', () => {
  const config = dnsConfigFor(
    {
      magicDns: true,
      searchDomains: ['corp.example', 't.example'],
      nameservers: ['9.9.9.9'],
      overrideLocal: true,
      split: { 'corp.example': ['10.0.0.53'], 'gone.example': [] },
      extraRecords: [
        { name: 'a.t.example', type: 'A', value: '1.2.3.4' },
        { name: 'wiki.corp.example', type: 'AAAA', value: '::1' },
      ],
    },
    't.example',
  )

  it('puts the own domain first among the search domains, once', () => {
    assert.deepEqual(config.Domains, ['t.example', 'corp.example'])
    assert.equal(config.Proxied, true)
  })

  it('has nodes answer for their names, addresses and extra records', () => {
    const { Routes = {} } = config
    for (const suffix of [
      't.example',
      '64.100.in-addr.arpa',
      '127.100.in-addr.arpa',
      '0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa',
      'wiki.corp.example',
      'gone.example',
    ]) {
      assert.deepEqual(Routes[suffix], [], suffix)
    }
    assert.deepEqual(Routes['corp.example'], [{ Addr: '10.0.0.53' }])
    assert.equal(Routes['a.t.example'], undefined)
  })

  it('lists records without a type, as all clients take them', () => {
    assert.deepEqual(config.ExtraRecords, [
      { Name: 'a.t.example', Value: '1.2.3.4' },
      { Name: 'wiki.corp.example', Value: '::1' },
    ])
  })

  it('has resolvers replace those of the machine, or stand in for none', () => {
    assert.deepEqual(config.Resolvers, [{ Addr: '9.9.9.9' }])
    const polite = { ...DEFAULT_DNS, nameservers: ['9.9.9.9'], overrideLocal: false }
    const { Resolvers, FallbackResolvers } = dnsConfigFor(polite, 't.example')
    assert.equal(Resolvers, undefined)
    assert.deepEqual(FallbackResolvers, [{ Addr: '9.9.9.9' }])
  })

  it('says nothing at all when everything is off', () => {
    assert.deepEqual(dnsConfigFor({ ...DEFAULT_DNS, magicDns: false }, 't.example'), {})
  })
})

describe('dnsSettings', () => {
  const read = (input: unknown) => dnsSettings.parse(input)
  const many = (count: number): string[] => Array.from({ length: count }, () => '9.9.9.9')

  it('reads names and addresses in their canonical form', () => {
    const settings = read({
      search_domains: ['Corp.Example.'],
      nameservers: ['2001:DB8::0', '1.1.1.1:5353', 'https://dns.example/x'],
      extra_records: [{ name: 'a.example', value: '2001:db8::0' }],
    })
    assert.deepEqual(settings.searchDomains, ['corp.example'])
    assert.deepEqual(settings.nameservers, ['2001:db8::', '1.1.1.1:5353', 'https://dns.example/x'])
    assert.deepEqual(settings.extraRecords, [
      { name: 'a.example', type: 'AAAA', value: '2001:db8::' },
    ])
  })

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['a resolver that is a name', { nameservers: ['dns.example'] }, 'nameservers.0'],
    ['a resolver by plain HTTP', { nameservers: ['http://dns.example'] }, 'nameservers.0'],
    ['a resolver with a zone', { nameservers: ['fe80::1%eth0'] }, 'nameservers.0'],
    ['a record that is no address', { extra_records: [{ name: 'a', value: 'b' }] }, 'value'],
    ['an A record of IPv6', { extra_records: [{ name: 'a', type: 'A', value: '::1' }] }, 'value'],
    ['a name with a blank', { search_domains: ['a b'] }, 'search_domains.0'],
    ['a name past its length', { search_domains: ['a.'.repeat(128)] }, 'search_domains.0'],
    ['an unknown setting', { magicdns: true }, 'magicdns'],
    [
      'records without MagicDNS',
      { magic_dns: false, extra_records: [{ name: 'a', value: '::1' }] },
      'extra_records',
    ],
    ['more than fit', { nameservers: many(MAX_DNS_ENTRIES + 1) }, 'nameservers'],
  ]
  for (const [what, input, place] of refused) {
    it(`refuses ${what}`, () => {
      const result = dnsSettings.safeParse(input)
      const issues = result.error?.issues ?? []
      const text = issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join()
      assert.match(text, new RegExp(place))
    })
  }

  it('takes as many as fit', () => {
    assert.equal(read({ nameservers: many(MAX_DNS_ENTRIES) }).nameservers.length, MAX_DNS_ENTRIES)
  })
})

describe('clientVersionJson()', () => {
  const rows: readonly (readonly [string | undefined, string | null])[] = [
    ['1.90.1-tabc', '{"LatestVersion":"1.98.0","Notify":true}'],
    ['1.98.0', '{"RunningLatest":true}'],
    ['1.103.0-dev', '{"RunningLatest":true}'],
    ['unknown', null],
    [undefined, null],
  ]
  for (const [running, expected] of rows) {
    it(`tells ${running} that ${expected}`, () => {
      assert.equal(clientVersionJson({ IPNVersion: running }, '1.98.0'), expected)
    })
  }
})

describe('sessions are told', () => {
  const policy = readPolicy(
    '{"tagOwners": {"tag:web": []}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:80"]}]}',
  )

  it('everything in the first message, and that everybody may reach everybody without a policy', () => {
    using server = openTestServer({ settings: { nodeAttributes: ['one-cgnat?v=true'] } })
    const viewer = openViewer(server, server.join('a'))
    server.runtime.sessions.flush()
    const [first] = viewer.take()
    assert.deepEqual(first?.PacketFilters?.['base']?.[0]?.SrcIPs, ['*'])
    assert.equal(first?.DNSConfig?.Proxied, true)
    assert.deepEqual(first?.SSHPolicy?.rules, [])
    assert.equal(first?.ClientVersion, undefined)
    assert.ok('one-cgnat?v=true' in (first?.Node?.CapMap ?? {}))
    assert.ok('https://tailscale.com/cap/tailnet-lock' in (first?.Node?.CapMap ?? {}))
  })

  it('what is new after a change of the settings, and nothing else', () => {
    using server = openTestServer()
    const viewer = openViewer(server, server.join('a'))
    server.runtime.sessions.flush()
    viewer.take()
    const { settings } = server.steering
    settings.replace({ ...settings.current(), dns: { ...DEFAULT_DNS, magicDns: false } })
    server.runtime.sessions.flush()
    assert.deepEqual(
      viewer.take().map((message) => Object.keys(message)),
      [['DNSConfig']],
    )
    settings.replace({ ...settings.current(), nodeAttributes: ['randomize-client-port'] })
    server.runtime.sessions.flush()
    const [attributes] = viewer.take()
    assert.deepEqual(Object.keys(attributes ?? {}), ['Node'])
    settings.replace({ ...settings.current() })
    server.runtime.sessions.flush()
    assert.deepEqual(viewer.take(), [])
  })

  it('a filter that blocks everything as an empty list, never as null', () => {
    using server = openTestServer()
    const viewer = openViewer(server, server.join('a'))
    server.runtime.sessions.flush()
    viewer.take()
    const { settings } = server.steering
    settings.replace({ ...settings.current(), policy })
    server.runtime.sessions.flush()
    assert.deepEqual(viewer.take()[0]?.PacketFilters?.['base'], [])
  })

  it('of a newcomer first by the filter, then as a peer', () => {
    using server = openTestServer({ settings: { policy } })
    const web = server.join('web', 'owner', { tags: ['tag:web'] })
    const viewer = openViewer(server, web)
    server.runtime.sessions.flush()
    assert.deepEqual(viewer.take()[0]?.PacketFilters?.['base'], [])
    const a = server.join('a', 'member')
    server.runtime.sessions.flush()
    const messages = viewer.take()
    assert.deepEqual(messages[0]?.PacketFilters?.['base']?.[0]?.SrcIPs, [
      a.row().ipv4,
      a.row().ipv6,
    ])
    assert.deepEqual(
      messages.slice(1).map(({ PeersChanged }) => PeersChanged?.map((peer) => peer?.ID)),
      [[a.row().id]],
    )
  })

  it('nothing new about filters when a node moves, goes or comes back', () => {
    using server = openTestServer({ settings: { policy } })
    const web = openViewer(server, server.join('web', 'owner', { tags: ['tag:web'] }))
    const a = server.join('a', 'member')
    server.runtime.sessions.flush()
    web.take()
    const row = a.row()
    void server.tailnet.note({ ...row, endpoints: ['192.0.2.1:1'] }, true)
    server.runtime.sessions.flush()
    assert.deepEqual(
      web.take().map((message) => Object.keys(message)),
      [['PeersChangedPatch']],
    )
    server.tailnet.write((draft) => draft.deleteNode(row.id))
    server.runtime.sessions.flush()
    const [filters, removed] = web.take()
    assert.deepEqual(filters?.PacketFilters?.['base'], [])
    assert.deepEqual(removed?.PeersRemoved, [row.id])
  })

  it('the same by one frame, encoded once', () => {
    using server = openTestServer()
    const viewers = Array.from({ length: 5 }, (_, index) =>
      openViewer(server, server.join(`n${index}`), 'zstd'),
    )
    server.runtime.sessions.flush()
    const before = server.services.counters.encodings
    const { settings } = server.steering
    settings.replace({ ...settings.current(), dns: { ...DEFAULT_DNS, magicDns: false } })
    server.runtime.sessions.flush()
    assert.equal(server.services.counters.encodings, before + 1)
    for (const viewer of viewers) assert.ok(viewer.take().at(-1)?.DNSConfig)
  })
})

describe('startSteering()', () => {
  const logger = pino({ level: 'silent' })
  const inDirectory = (test: (dir: string) => void): void => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-policy-'))
    try {
      test(dir)
    } finally {
      rmSync(dir, { recursive: true })
    }
  }

  it('keeps a policy that was set, readable by the owner alone', () => {
    inDirectory((dir) => {
      startSteering(dir, {}, undefined, logger).setPolicy('{ /* none */ }')
      const path = join(dir, 'policy.json')
      assert.equal(readFileSync(path, 'utf8'), '{ /* none */ }')
      assert.equal(statSync(path).mode & 0o777, 0o600)
      const again = startSteering(dir, {}, undefined, logger)
      assert.equal(again.policyText(), '{ /* none */ }')
    })
  })

  it('refuses a bad policy, and keeps the one in force', () => {
    inDirectory((dir) => {
      const steering = startSteering(dir, {}, undefined, logger)
      steering.setPolicy('{}')
      const before = steering.settings.current()
      assert.throws(() => steering.setPolicy('{"acls": 1}'), { code: 'bad-policy' })
      assert.equal(steering.settings.current(), before)
      assert.equal(readFileSync(join(dir, 'policy.json'), 'utf8'), '{}')
    })
  })

  it('reads a named file again, and leaves it to its owner', () => {
    inDirectory((dir) => {
      const policyFile = join(dir, 'mine.hujson')
      writeFileSync(policyFile, '{}')
      const steering = startSteering(dir, { policyFile }, undefined, logger)
      assert.throws(() => steering.setPolicy('{}'), { code: 'conflict' })
      writeFileSync(policyFile, '// new\n{}')
      steering.reload()
      assert.equal(steering.policyText(), '// new\n{}')
      writeFileSync(policyFile, '{')
      assert.throws(() => steering.reload(), { code: 'bad-policy', message: /mine\.hujson/ })
      assert.equal(steering.policyText(), '// new\n{}')
    })
  })

  it('does not start with a named file that is not there, or cannot be used', () => {
    inDirectory((dir) => {
      const policyFile = join(dir, 'none.json')
      assert.throws(() => startSteering(dir, { policyFile }, undefined, logger), {
        code: 'bad-policy',
      })
      writeFileSync(join(dir, 'policy.json'), '[')
      assert.throws(() => startSteering(dir, {}, undefined, logger), { code: 'bad-policy' })
    })
  })
})

describe('routes by themselves', () => {
  const policy = readPolicy(
    '{"tagOwners": {"tag:r": []}, "autoApprovers": {"routes": {"10.0.0.0/8": ["tag:r"]}}}',
  )

  it('are approved when the right node advertises them, and stay withdrawn when they were', () => {
    using server = openTestServer({ settings: { policy } })
    const router = server.join('r', 'owner', { tags: ['tag:r'] })
    const advertise = (...RoutableIPs: string[]): void => {
      router.register({ Hostinfo: { Hostname: 'r', RoutableIPs } })
    }
    advertise('10.1.0.0/16', '192.168.0.0/24')
    assert.deepEqual(router.row().approvedRoutes, ['10.1.0.0/16'])
    server.tailnet.write((draft) => draft.putNode({ ...router.row(), approvedRoutes: [] }))
    advertise('10.1.0.0/16', '10.2.0.0/16')
    assert.deepEqual(router.row().approvedRoutes, ['10.2.0.0/16'])
  })

  it('reach the peers when a node no longer advertises them', () => {
    using server = openTestServer({ settings: { policy } })
    const router = server.join('r', 'owner', { tags: ['tag:r'] })
    router.register({ Hostinfo: { Hostname: 'r', RoutableIPs: ['10.1.0.0/16'] } })
    const viewer = openViewer(server, server.join('a'))
    server.runtime.sessions.flush()
    assert.ok(viewer.take()[0]?.Peers?.[0]?.AllowedIPs?.includes('10.1.0.0/16'))
    router.register({ Hostinfo: { Hostname: 'r' } })
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]?.PeersChanged?.[0]?.AllowedIPs?.length, 2)
  })
})

describe('guidance', () => {
  it('of nodes that are gone is not remembered for ever', () => {
    using server = openTestServer()
    const { guide } = server.runtime.sessions
    for (let count = 0; count < 300; count++) {
      const { id } = server.join('ephemeral').row()
      const node = server.tailnet.nodes.get(id)
      assert.ok(node)
      guide.for(node)
      server.tailnet.write((draft) => draft.deleteNode(id))
    }
    assert.ok(guide.size <= 2 + 64, String(guide.size))
  })
})
