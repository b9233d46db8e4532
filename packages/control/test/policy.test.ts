// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Role } from '../src/store/rows.ts'
import type { Directory, DirectoryNode } from '../src/policy/directory.ts'
import { readPolicy } from '../src/policy/policy.ts'
import { readPrefix } from '../src/policy/prefixes.ts'
import { MAX_POLICY_BYTES } from '../src/limits.ts'
import type { LooseJson } from './support/json.ts'

function prefixes(texts: readonly string[]) {
  return texts.flatMap((text) => readPrefix(text) ?? [])
}

function node(
  id: number,
  owner: string | readonly string[],
  routes: readonly string[] = [],
): DirectoryNode {
  const addresses = [`100.64.0.${id}`, `fd7a:115c:a1e0::${id}`]
  const role: Role = owner === 'root' ? 'owner' : 'member'
  const userIds: Readonly<Record<string, number>> = { root: 1, ann: 2, bob: 3 }
  return {
    id,
    user: typeof owner === 'string' ? { id: userIds[owner] ?? 9, name: owner, role } : null,
    tags: typeof owner === 'string' ? [] : owner,
    addresses,
    own: prefixes(addresses),
    routes: prefixes(routes),
  }
}

/** 1 root, 2 and 3 ann's, 4 bob's, 5 a web server, 6 a subnet router, 7 an exit node. */
const directory: Directory = {
  nodes: new Map(
    [
      node(1, 'root'),
      node(2, 'ann'),
      node(3, 'ann'),
      node(4, 'bob'),
      node(5, ['tag:web']),
      node(6, ['tag:router'], ['10.1.0.0/16']),
      node(7, ['tag:exit'], ['0.0.0.0/0', '::/0']),
    ].map((each) => [each.id, each]),
  ),
}

const head = `
  "groups": { "group:dev": ["ann@"] },
  "hosts": { "db": "10.1.2.3" },
  "tagOwners": { "tag:web": ["group:dev"], "tag:router": [], "tag:exit": [] },`

function rulesFor(id: number, body: string): LooseJson {
  return JSON.parse(readPolicy(`{${head}${body}}`).forNode(directory, id).filters).base
}

describe('readPolicy() filters', () => {
  it('gives a node only the rules about itself, in addresses', () => {
    const acls = '"acls": [{"action": "accept", "src": ["group:dev"], "dst": ["tag:web:80,443"]}]'
    assert.deepEqual(rulesFor(5, acls), [
      {
        SrcIPs: ['100.64.0.2', 'fd7a:115c:a1e0::2', '100.64.0.3', 'fd7a:115c:a1e0::3'],
        DstPorts: [
          { IP: '100.64.0.5', Ports: { First: 80, Last: 80 } },
          { IP: '100.64.0.5', Ports: { First: 443, Last: 443 } },
          { IP: 'fd7a:115c:a1e0::5', Ports: { First: 80, Last: 80 } },
          { IP: 'fd7a:115c:a1e0::5', Ports: { First: 443, Last: 443 } },
        ],
      },
    ])
    for (const id of [1, 2, 3, 4, 6, 7]) assert.deepEqual(rulesFor(id, acls), [], `node ${id}`)
  })

  it('lets nothing in without rules', () => {
    for (const body of ['', '"acls": []']) assert.deepEqual(rulesFor(5, body), [])
  })

  it('means the tailnet and its subnets by a source that is everything', () => {
    const [rule] = rulesFor(1, '"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]')
    assert.deepEqual(rule.SrcIPs, ['100.64.0.0/10', 'fd7a:115c:a1e0::/48', '10.1.0.0/16'])
    assert.deepEqual(
      rule.DstPorts.map(({ IP }: LooseJson) => IP),
      ['100.64.0.1', 'fd7a:115c:a1e0::1'],
    )
  })

  it('gives a subnet router what lies behind it, cut to what was meant', () => {
    const acls =
      '"acls": [{"action": "accept", "src": ["ann@"], "dst": ["db:5432", "10.0.0.0/8:22"]}]'
    const [rule] = rulesFor(6, acls)
    assert.deepEqual(rule.DstPorts, [
      { IP: '10.1.2.3', Ports: { First: 5432, Last: 5432 } },
      { IP: '10.1.0.0/16', Ports: { First: 22, Last: 22 } },
    ])
    assert.deepEqual(rulesFor(5, acls), [])
  })

  it('means by autogroup:internet what an exit node reaches outside, and nothing private', () => {
    const acls = '"acls": [{"action": "accept", "src": ["ann@"], "dst": ["autogroup:internet:*"]}]'
    const [rule] = rulesFor(7, acls)
    const meant = prefixes(rule.DstPorts.map(({ IP }: LooseJson) => IP))
    const holds = (address: string): boolean => {
      const [single] = prefixes([address])
      return meant.some(
        ({ bytes, bits }) =>
          bytes.length === single?.bytes.length &&
          bytes.every((byte, index) => {
            const kept = Math.min(8, Math.max(0, bits - 8 * index))
            return byte >> (8 - kept) === (single.bytes[index] ?? 0) >> (8 - kept)
          }),
      )
    }
    for (const address of ['1.1.1.1', '8.8.8.8', '100.63.255.255', '172.32.0.1', '2001:db8::1']) {
      assert.ok(holds(address), address)
    }
    for (const address of ['10.0.0.1', '100.64.0.1', '172.16.0.1', '192.168.1.1', '127.0.0.1']) {
      assert.ok(!holds(address), address)
    }
    assert.ok(!holds('fd7a:115c:a1e0::1'))
    assert.deepEqual(rulesFor(1, acls), [])
  })

  it("means by autogroup:self the other nodes of the node's own user", () => {
    const acls =
      '"acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]'
    const [rule] = rulesFor(3, acls)
    assert.deepEqual(rule.SrcIPs, [
      '100.64.0.2',
      'fd7a:115c:a1e0::2',
      '100.64.0.3',
      'fd7a:115c:a1e0::3',
    ])
    assert.deepEqual(rulesFor(5, acls), [])
  })

  it('names protocols, and gives those without ports all of them', () => {
    const acls = `"acls": [
      {"action": "accept", "proto": "udp", "src": ["ann@"], "dst": ["bob@:53"]},
      {"action": "accept", "proto": "icmp", "src": ["ann@"], "dst": ["bob@:*"]},
      {"action": "accept", "proto": "132", "src": ["ann@"], "dst": ["bob@:1-2"]}]`
    assert.deepEqual(
      rulesFor(4, acls).map(({ IPProto }: LooseJson) => IPProto),
      [[17], [1, 58], [132]],
    )
  })

  it('takes grants with traffic and with capabilities', () => {
    const grants = `"grants": [{
      "src": ["autogroup:admin"], "dst": ["tag:web"], "ip": ["tcp:443", "udp:53", "22"],
      "app": {"example.com/cap/x": [{"role": "boss"}]}}]`
    const src = ['100.64.0.1', 'fd7a:115c:a1e0::1']
    const rules = rulesFor(5, grants)
    assert.deepEqual(
      rules.map(({ IPProto }: LooseJson) => IPProto),
      [[6], [17], undefined, undefined],
    )
    assert.deepEqual(rules[3], {
      SrcIPs: src,
      CapGrant: [
        {
          Dsts: ['100.64.0.5/32', 'fd7a:115c:a1e0::5/128'],
          CapMap: { 'example.com/cap/x': [{ role: 'boss' }] },
        },
      ],
    })
  })
})

describe('readPolicy() ssh and attributes', () => {
  const policy = readPolicy(`{${head}
    "ssh": [
      {"action": "accept", "src": ["group:dev"], "dst": ["tag:web"], "users": ["root", "autogroup:nonroot"]},
      {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["ann"], "acceptEnv": ["LANG"]},
    ],
    "nodeAttrs": [
      {"target": ["tag:web"], "attr": ["one-cgnat?v=true"], "app": {"example.com/a": [1]}},
    ],
    "randomizeClientPort": true,
  }`)
  const sshOf = (id: number): LooseJson => JSON.parse(policy.forNode(directory, id).ssh).rules

  it('names who may log in as whom', () => {
    const [rule, ...others] = sshOf(5)
    assert.equal(others.length, 0)
    assert.deepEqual(rule.principals[0], { nodeIP: '100.64.0.2' })
    assert.equal(rule.principals.length, 4)
    // Root by name, although nobody else is root.
    assert.equal(rule.sshUsers['*'], '=')
    assert.equal(rule.action.accept, true)
  })

  it('keeps autogroup:self to one user', () => {
    const [rule] = sshOf(2)
    assert.deepEqual(
      rule.principals
        .map(({ nodeIP }: LooseJson) => nodeIP)
        .filter((ip: string) => !ip.includes(':')),
      ['100.64.0.2', '100.64.0.3'],
    )
    assert.deepEqual(rule.acceptEnv, ['LANG'])
    assert.deepEqual(sshOf(6), [])
  })

  it('lets root in when it is named beside autogroup:nonroot, in either order', () => {
    for (const users of ['["root", "autogroup:nonroot"]', '["autogroup:nonroot", "root"]']) {
      const { ssh } = readPolicy(
        `{${head} "ssh": [{"action": "accept", "src": ["ann@"], "dst": ["tag:web"], "users": ${users}}]}`,
      ).forNode(directory, 5)
      assert.deepEqual(JSON.parse(ssh).rules[0].sshUsers, { '*': '=', root: 'root' })
    }
  })

  it('gives attributes to their targets', () => {
    assert.deepEqual(policy.forNode(directory, 5).attributes, {
      'one-cgnat?v=true': null,
      'example.com/a': [1],
      'randomize-client-port': null,
    })
    assert.deepEqual(policy.forNode(directory, 1).attributes, { 'randomize-client-port': null })
  })
})

describe('readPolicy() autoApprovers', () => {
  const policy = readPolicy(`{${head} "autoApprovers": {
    "routes": {"10.0.0.0/8": ["tag:router", "ann@"]}, "exitNode": ["tag:exit"]}}`)
  const at = (id: number): DirectoryNode => directory.nodes.get(id) ?? node(id, 'nobody')

  const rows: readonly (readonly [number, string, boolean])[] = [
    [6, '10.1.0.0/16', true],
    [6, '10.0.0.0/8', true],
    [6, '0.0.0.0/0', false],
    [6, '8.0.0.0/7', false],
    [2, '10.2.3.0/24', true],
    [4, '10.2.3.0/24', false],
    [7, '0.0.0.0/0', true],
    [7, '::/0', true],
    [7, '10.1.0.0/16', false],
    [6, 'nonsense', false],
  ]
  for (const [id, route, expected] of rows) {
    it(`${expected ? 'lets' : 'does not let'} node ${id} carry ${route}`, () => {
      assert.equal(policy.approves(at(id), route), expected)
    })
  }
})

describe('readPolicy() refuses', () => {
  const rule = (parts: string): string => `{${head}\n"acls": [{"action": "accept", ${parts}}]}`
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['what is no JSON', '{\n  "acls": [,]\n}', /line 2, column 12: expected a value/],
    ['an end that is missing', '{"acls": [', /line 1/],
    ['text after the end', '{} {}', /expected the end/],
    [
      'a name that stands twice',
      '{"acls": [],\n "acls": []}',
      /line 2, column 2: "acls" stands twice/,
    ],
    ['an unknown section', '{\n"acl": []}', /line 1: .*acl/],
    [
      'an unknown field of a rule',
      rule('"src": ["*"], "dst": ["*:*"], "srcPosture": []'),
      /srcPosture/,
    ],
    [
      'an action that denies',
      `{"acls": [{"action": "deny", "src": ["*"], "dst": ["*:*"]}]}`,
      /acls\[0\]\.action/,
    ],
    [
      'a group that is not there',
      rule('"src": ["group:x"], "dst": ["*:*"]'),
      /line 5: acls\[0\]\.src\[0\]: "group:x" is not among the groups/,
    ],
    [
      'a tag that nobody owns',
      rule('"src": ["*"], "dst": ["tag:x:1"]'),
      /acls\[0\]\.dst\[0\]: "tag:x" is not among/,
    ],
    ['a bare user', rule('"src": ["ann"], "dst": ["*:*"]'), /write ann@/],
    ['ports past the last', rule('"src": ["*"], "dst": ["*:65536"]'), /no list of ports/],
    ['ports backwards', rule('"src": ["*"], "dst": ["*:9-8"]'), /no list of ports/],
    ['a destination without ports', rule('"src": ["*"], "dst": ["db"]'), /dst\[0\]/],
    [
      'ports of a protocol without',
      rule('"src": ["*"], "dst": ["*:1"], "proto": "gre"'),
      /has no ports/,
    ],
    ['a protocol that is none', rule('"src": ["*"], "dst": ["*:*"], "proto": "ftp"'), /proto/],
    ['host bits', rule('"src": ["10.0.0.1/8"], "dst": ["*:*"]'), /src\[0\]/],
    [
      'the internet as a source',
      rule('"src": ["autogroup:internet"], "dst": ["*:*"]'),
      /no source/,
    ],
    ['a host that is a host', '{"hosts": {"a": "b"}}', /hosts\.a/],
    ['a group in a group', '{"groups": {"group:a": ["group:b"]}}', /groups\.group:a\[0\]/],
    [
      'an SSH check',
      `{"ssh": [{"action": "check", "src": ["*"], "dst": ["autogroup:self"], "users": ["a"]}]}`,
      /ssh\[0\]\.action: "check" is not done/,
    ],
    [
      'SSH to everything',
      `{"ssh": [{"action": "accept", "src": ["*"], "dst": ["*"], "users": ["a"]}]}`,
      /ssh\[0\]\.dst\[0\]/,
    ],
    [
      'a role as an attribute',
      `{"nodeAttrs": [{"target": ["*"], "attr": ["https://tailscale.com/cap/is-owner"]}]}`,
      /nodeAttrs\[0\]\.attr\[0\]/,
    ],
    [
      'a route that is none',
      '{"autoApprovers": {"routes": {"x": []}}}',
      /autoApprovers\.routes\.x/,
    ],
    [
      'a grant that grants nothing',
      '{"grants": [{"src": ["*"], "dst": ["*"]}]}',
      /needs "ip" or "app"/,
    ],
    ['nesting without end', '['.repeat(1_000), /too deeply/],
    ['a list', '[]', /line 1/],
  ]
  for (const [what, text, message] of refused) {
    it(what, () => {
      assert.throws(() => readPolicy(text), { code: 'bad-policy', message })
    })
  }

  it('a policy past its limit, and not one at it', () => {
    const pad = (length: number): string => '{}'.padEnd(length)
    readPolicy(pad(MAX_POLICY_BYTES))
    assert.throws(() => readPolicy(pad(MAX_POLICY_BYTES + 1)), { code: 'bad-policy' })
  })

  it('everything at once', () => {
    const text = rule('"src": ["a", "b"], "dst": ["c:1"]')
    assert.throws(() => readPolicy(text), /src\[0\].*\n.*src\[1\].*\n.*dst\[0\]/)
  })
})

describe('readPolicy() tests', () => {
  const read = (test: string) =>
    readPolicy(`{${head} "acls": [
      {"action": "accept", "src": ["group:dev"], "dst": ["tag:web:80"]},
      {"action": "accept", "src": ["*"], "dst": ["db:5432"]},
      {"action": "accept", "proto": "udp", "src": ["tag:web"], "dst": ["10.9.0.0/16:53"]},
      {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:22"]}],
      "tests": [${test}]}`)

  const holds: readonly string[] = [
    '{"src": "ann@", "accept": ["tag:web:80", "db:5432", "ann@:22"], "deny": ["tag:web:443", "bob@:22"]}',
    '{"src": "group:dev", "accept": ["tag:web:80"]}',
    '{"src": "bob@", "deny": ["tag:web:80"], "accept": ["10.1.2.3:5432"]}',
    '{"src": "tag:web", "proto": "udp", "accept": ["10.9.1.1:53"], "deny": ["10.8.1.1:53"]}',
    '{"src": "tag:web", "deny": ["10.9.1.1:53", "tag:web:22"]}',
    '{"src": "100.64.9.9", "accept": ["db:5432"]}',
  ]
  for (const test of holds) it(`hold: ${test}`, () => void read(test))

  const failing: readonly (readonly [string, RegExp])[] = [
    [
      '{"src": "bob@", "accept": ["tag:web:80"]}',
      /tests\[0\]\.accept\[0\]: the test fails: bob@ does not reach tag:web:80/,
    ],
    [
      '{"src": "ann@", "deny": ["db:5432", "tag:web:80"]}',
      /deny\[0\].*reaches db:5432\n.*deny\[1\]/,
    ],
    ['{"src": "ann@", "accept": ["tag:web:80-81"]}', /names one port/],
    ['{"src": "*", "accept": ["tag:web:80"]}', /is about a user/],
    ['{"src": "tag:none", "accept": []}', /tests\[0\]\.src/],
  ]
  for (const [test, message] of failing) {
    it(`refuse: ${test}`, () => assert.throws(() => read(test), { code: 'bad-policy', message }))
  }
})

describe('readPolicy() accepts', () => {
  it('comments, trailing commas and a name like __proto__', () => {
    const text = `\uFEFF// who\n{ /* what */ "groups": {"group:dev": ["ann@",],}, // why
      "hosts": {"__proto__": "1.2.3.4"}, }`
    readPolicy(text)
  })
})
