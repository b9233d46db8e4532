// SPDX-License-Identifier: Apache-2.0

/**
 * The `dns` section of the settings, checked. What a client would silently leave out is refused here, by the
 * name of the setting.
 *
 * @module
 */

import { formatAddress, parseAddress, parseAddressPort, ProtocolError } from '@signet/protocol'
import { z } from 'zod'
import type { ZodType } from 'zod'
import { MAX_DNS_ENTRIES } from '../limits.ts'
import { DEFAULT_DNS } from './dns.ts'
import type { DnsSettings } from './dns.ts'

const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?'
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`)

const dnsName = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))
  .refine((text) => NAME.test(text), 'expected a DNS name')

const resolver = z.string().transform((text, context) => {
  const canonical = canonicalResolver(text)
  if (canonical !== null) return canonical
  context.addIssue({
    code: 'custom',
    message: 'expected an address, as in 9.9.9.9, or a DoH URL that begins with https://',
  })
  return z.NEVER
})

const record = z
  .strictObject({
    name: dnsName,
    type: z.enum(['A', 'AAAA']).optional(),
    value: z.string(),
  })
  .transform(({ name, type, value }, context) => {
    const address = tryAddress(value)
    const actual = address?.includes(':') === true ? 'AAAA' : 'A'
    if (address === null || (type !== undefined && type !== actual)) {
      const expected = type === undefined ? 'an address' : `the address of an ${type} record`
      context.addIssue({ code: 'custom', message: `expected ${expected}`, path: ['value'] })
      return z.NEVER
    }
    return { name, type: actual, value: address } as const
  })

const resolvers = z.array(resolver).max(MAX_DNS_ENTRIES)

/** Reads the `dns` section. */
export const dnsSettings: ZodType<DnsSettings> = z
  .strictObject({
    magic_dns: z.boolean().default(DEFAULT_DNS.magicDns),
    search_domains: z.array(dnsName).max(MAX_DNS_ENTRIES).default([]),
    nameservers: resolvers.default([]),
    override_local: z.boolean().default(DEFAULT_DNS.overrideLocal),
    split: z.record(dnsName, resolvers).default({}),
    extra_records: z.array(record).max(MAX_DNS_ENTRIES).default([]),
  })
  .superRefine(({ magic_dns, extra_records, split }, context) => {
    if (!magic_dns && extra_records.length > 0) {
      context.addIssue({
        code: 'custom',
        message: 'needs dns.magic_dns: true, since nodes answer for these names themselves',
        path: ['extra_records'],
      })
    }
    if (Object.keys(split).length > MAX_DNS_ENTRIES) {
      context.addIssue({
        code: 'custom',
        message: `has more than ${MAX_DNS_ENTRIES} suffixes`,
        path: ['split'],
      })
    }
  })
  .transform((input) => ({
    magicDns: input.magic_dns,
    searchDomains: input.search_domains,
    nameservers: input.nameservers,
    overrideLocal: input.override_local,
    split: input.split,
    extraRecords: input.extra_records,
  }))

/** An address, an address with a port, or a DoH URL, as clients read it; null for anything else. */
function canonicalResolver(text: string): string | null {
  if (text.startsWith('https://')) {
    return URL.canParse(text) && new URL(text).username === '' ? text : null
  }
  const address = tryAddress(text)
  if (address !== null) return address
  try {
    parseAddressPort(text)
    return text
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

function tryAddress(text: string): string | null {
  try {
    const address = parseAddress(text)
    return address.zone === '' ? formatAddress(address) : null
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
