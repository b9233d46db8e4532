// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newDeeplink, validateDeeplink, type DeeplinkFields } from '../src/index.ts'
import { refusal } from './support/refuses.ts'

const ID = 2379988264018827358n
const fields: DeeplinkFields = {
  nodeKey: `nodekey:${'5a'.repeat(32)}`,
  lockPublic: `tlpub:${'a5'.repeat(32)}`,
  deviceName: 'dev',
  osName: 'linux',
  loginName: 'a@b.example',
}
const link = newDeeplink(ID, fields)
const isValid = (url: string): boolean => validateDeeplink(ID, url).isValid

describe('newDeeplink()', () => {
  test('writes the parameters in order, escaped', () => {
    const pattern =
      /^tailscale:\/\/sign-device\/v1\/\?dn=dev&em=a%40b\.example&hm=[0-9a-f]{64}&nk=nodekey%3A5a/
    assert.match(link, pattern)
    assert.match(newDeeplink(ID, { ...fields, deviceName: "a b+'é" }), /dn=a\+b%2B%27%C3%A9&/)
  })

  const refused: readonly [name: string, change: Partial<DeeplinkFields>][] = [
    ['a node key without prefix', { nodeKey: '5a' }],
    ['a lock key of the other prefix', { lockPublic: 'nlpub:00' }],
    ['no device name', { deviceName: '' }],
    ['no system name', { osName: '' }],
    ['no login name', { loginName: '' }],
  ]
  for (const [name, change] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => newDeeplink(ID, { ...fields, ...change }), refusal('bad-text'))
    })
  }
})

describe('validateDeeplink()', () => {
  test('gives back what the link was made of', () => {
    for (const deviceName of ['dev', 'a b', '100%', '日本', '<x>"\'', '\0', '#?&=;']) {
      const made = { ...fields, deviceName }
      const verdict = validateDeeplink(ID, newDeeplink(ID, made))
      assert.deepEqual(verdict, { isValid: true, fields: made })
    }
  })

  test('is bound to the authority by all 64 bits of its number', () => {
    for (const id of [ID + 1n, ID + (1n << 63n), 0n, (1n << 64n) - 1n]) {
      assert.deepEqual(validateDeeplink(id, link), {
        isValid: false,
        error: 'hmac authentication failed',
      })
    }
    assert.ok(validateDeeplink((1n << 64n) - 1n, newDeeplink((1n << 64n) - 1n, fields)).isValid)
  })

  const accepted: readonly [name: string, url: string][] = [
    ['an upper-case scheme', link.replace('tailscale', 'TAILSCALE')],
    ['user and password', link.replace('//', '//u:p@')],
    ['anything behind /v1/', link.replace('/v1/', '/v1/anything')],
    ['an escape behind /v1/', link.replace('/v1/', '/v1/%20')],
    ['a blank behind an escaped v1, which is then written anew', link.replace('/v1/', '/%761/ ')],
    ['a fragment', `${link}#x`],
    ['a control character in the fragment', `${link}#\u0001`],
    [
      'an upper-case MAC',
      link.replace(/hm=[0-9a-f]+/, (mac) => `hm=${mac.slice(3).toUpperCase()}`),
    ],
    ['an extra parameter', `${link}&x=1`],
    ['an extra parameter that cannot be read', `${link}&x=%zz&y;z`],
    ['another name in front that a semicolon spoils', link.replace('dn=', 'dn=other;x&dn=')],
    ['a second node key behind the first', `${link}&nk=other`],
  ]
  for (const [name, url] of accepted) {
    test(`accepts ${name}`, () => assert.ok(isValid(url)))
  }

  const rejected: readonly [name: string, url: string][] = [
    ['nothing', ''],
    ['another scheme', link.replace('tailscale:', 'https:')],
    ['no host', link.replace('//sign-device', '/sign-device')],
    ['an upper-case host', link.replace('sign-device', 'SIGN-DEVICE')],
    ['a port', link.replace('sign-device', 'sign-device:1')],
    ['an escaped host', link.replace('sign-device', 'sign%2Ddevice')],
    ['a bad escape in the user', link.replace('//', '//%zz@')],
    ['a blank in the user', link.replace('//', '//a b@')],
    ['another version', link.replace('/v1/', '/v2/')],
    ['an escaped version', link.replace('/v1/', '/%761/')],
    ['no slash behind the version', link.replace('/v1/', '/v1')],
    ['an escaped slash', link.replace('/v1/', '/v1%2F')],
    ['a slash that was escaped, when the path is written anew', link.replace('/v1/', '/v1/%2F ')],
    ['one segment more', link.replace('/v1/', '/v1/x/')],
    ['a bad escape in the path', link.replace('/v1/', '/v1/%zz')],
    ['a bad escape in the fragment', `${link}#%zz`],
    ['a fragment before the query', link.replace('?', '#x?')],
    ['a control character, in whatever parameter', `${link}&x=\u0001`],
    ['a blank in front', ` ${link}`],
    ['another name', link.replace('dn=dev', 'dn=dex')],
    ['another name in front', link.replace('dn=dev', 'dn=other&dn=dev')],
    ['no name', link.replace('dn=dev', 'dn=')],
    ['a MAC of odd length', link.replace('hm=', 'hm=0')],
    ['a MAC that is not hex', link.replace('hm=', 'hm=zz')],
    ['no MAC', link.replace(/hm=[0-9a-f]+/, 'hm=')],
    ['a MAC that is too long', link.replace(/(hm=[0-9a-f]+)/, '$100')],
    ['a name that is not UTF-8', link.replace('dn=dev', 'dn=%FF')],
    ['more parameters than Go reads', `${link}${'&'.repeat(10_000)}`],
  ]
  for (const [name, url] of rejected) {
    test(`refuses ${name}`, () => assert.ok(!isValid(url)))
  }

  test('checks no prefixes and no borders between fields, as official software does', () => {
    const shifted = link.replace('dn=dev', 'dn=de').replace('os=linux', 'os=vlinux')
    assert.ok(isValid(shifted))
  })
})
