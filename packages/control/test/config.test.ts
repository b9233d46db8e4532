// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadServerConfig } from '@signet/control'

const dir = mkdtempSync(join(tmpdir(), 'signet-config-'))
after(() => rmSync(dir, { recursive: true }))

function file(text: string): string {
  const path = join(dir, 'config.yaml')
  writeFileSync(path, text)
  return path
}

describe('loadServerConfig()', () => {
  it('has a default for all that a server needs', () => {
    const config = loadServerConfig({ env: {}, flags: {} })
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
    assert.equal(config.logLevel, 'info')
  })

  it('lets variables win over the file, and flags over variables', () => {
    const path = file('listen: 127.0.0.1:1\nlog_level: warn\ndomain: a.example\n')
    const env = { SIGNET_LISTEN: '127.0.0.1:2', SIGNET_LOG_LEVEL: 'error' }
    const config = loadServerConfig({ file: path, env, flags: { listen: '[::1]:3' } })
    assert.deepEqual(config.listen, { host: '::1', port: 3 })
    assert.equal(config.logLevel, 'error')
    assert.equal(config.domain, 'a.example')
  })

  it('has a relay, and STUN where nodes look for it, unless told otherwise', () => {
    const { relay, stunPort } = loadServerConfig({ env: {}, flags: {} })
    assert.deepEqual([relay.embedded, relay.region.id, relay.verify], [true, 900, false])
    assert.equal(stunPort, 'auto')
    const env = {
      SIGNET_STUN_PORT: '0',
      SIGNET_RELAY: 'false',
      SIGNET_MESH_WITH: 'https://a.example, http://127.0.0.1:1',
      SIGNET_RELAY_CLIENT_RATE: '1000',
      SIGNET_DERP_MAP_REFRESH_MINUTES: '5',
    }
    const other = loadServerConfig({ env, flags: {} })
    assert.equal(other.stunPort, undefined)
    assert.equal(other.relay.embedded, false)
    assert.deepEqual(other.relay.meshWith, ['https://a.example', 'http://127.0.0.1:1'])
    assert.deepEqual(other.relay.rate, { bytesPerSecond: 1_000, burst: 0, advertise: false })
    assert.equal(other.relay.mapRefreshMs, 300_000)
  })

  it('takes a lifetime of 0 days as for ever', () => {
    assert.equal(
      loadServerConfig({ env: {}, flags: { key_lifetime_days: '0' } }).keyLifetimeDays,
      null,
    )
  })

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown setting', 'listn: 127.0.0.1:1', /listn/],
    ['a port past the last', 'listen: 127.0.0.1:65536', /HOST:PORT/],
    ['no port', 'listen: localhost', /HOST:PORT/],
    ['a URL of another scheme', 'url: ftp://a', /http/],
    ['a level that does not exist', 'log_level: loud', /log_level/],
    ['a list', '- a', /mapping/],
    ['bad YAML', 'a: [', /Cannot read/],
    ['an alias', 'a: &x [1]\nb: *x', /Cannot read/],
    ['no grace at all', 'ephemeral_grace_seconds: 9', /ephemeral_grace_seconds/],
    ['a mesh without TLS', 'mesh_with: [http://relay.example]', /https/],
    ['a map without TLS', 'derp_map_urls: [http://map.example]', /https/],
    ['no address for STUN', 'stun_host: [relay.example]', /stun_host/],
    ['a region beyond', 'relay_region_id: 65536', /relay_region_id/],
    ['a region code with a space', 'relay_region_code: a b', /relay_region_code/],
    ['neither yes nor no', 'relay: maybe', /relay/],
    ['a negative lifetime', 'key_lifetime_days: -1', /key_lifetime_days/],
  ]
  for (const [what, text, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => loadServerConfig({ file: file(text), env: {}, flags: {} }), {
        code: 'bad-config',
        message,
      })
    })
  }

  it('refuses a file that is not there', () => {
    const sources = { file: join(dir, 'none.yaml'), env: {}, flags: {} }
    assert.throws(() => loadServerConfig(sources), { code: 'bad-config' })
  })
})
