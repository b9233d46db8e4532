// SPDX-License-Identifier: Apache-2.0

/**
 * Name resolution: DNSConfig and its parts.
 *
 * @module
 */

import { address, bool, text } from './codecs.ts'
import {
  always,
  type Codec,
  list,
  omitEmpty,
  omitZero,
  pointer,
  struct,
  textMap,
  type TextMap,
} from './schema.ts'

/** A resolver: an address, or a DoH URL with addresses to reach it. */
export interface Resolver {
  readonly Addr?: string | undefined
  readonly BootstrapResolution?: readonly string[] | undefined
  readonly UseWithExitNode?: boolean | undefined
}

/** Codec of {@link Resolver}. */
export const resolver: Codec<Resolver> = struct<Resolver>({
  Addr: omitEmpty(text),
  BootstrapResolution: omitEmpty(list(address)),
  UseWithExitNode: omitEmpty(bool),
})

/** A name that nodes resolve by themselves. */
export interface DNSRecord {
  readonly Name: string
  /** Empty means an address record. */
  readonly Type?: string | undefined
  readonly Value: string
}

/** Codec of {@link DNSRecord}. */
export const dnsRecord: Codec<DNSRecord> = struct<DNSRecord>({
  Name: always(text),
  Type: omitZero(text),
  Value: always(text),
})

/** How a node resolves names. */
export interface DNSConfig {
  readonly Resolvers?: readonly (Resolver | null)[] | undefined
  /** Suffix to its resolvers; none means: answer from the network map alone. */
  readonly Routes?: TextMap<readonly (Resolver | null)[] | null> | undefined
  readonly FallbackResolvers?: readonly (Resolver | null)[] | undefined
  /** Search domains. */
  readonly Domains?: readonly string[] | undefined
  /** Whether names of nodes resolve at all. */
  readonly Proxied?: boolean | undefined
  readonly Nameservers?: readonly string[] | undefined
  readonly CertDomains?: readonly string[] | undefined
  readonly ExtraRecords?: readonly DNSRecord[] | undefined
  readonly ExitNodeFilteredSet?: readonly string[] | undefined
  readonly TempCorpIssue13969?: string | undefined
}

/** Codec of {@link DNSConfig}. */
export const dnsConfig: Codec<DNSConfig> = struct<DNSConfig>({
  Resolvers: omitEmpty(list(pointer(resolver))),
  Routes: omitEmpty(textMap(list(pointer(resolver)))),
  FallbackResolvers: omitEmpty(list(pointer(resolver))),
  Domains: omitEmpty(list(text)),
  Proxied: omitZero(bool),
  Nameservers: omitEmpty(list(address)),
  CertDomains: omitEmpty(list(text)),
  ExtraRecords: omitEmpty(list(dnsRecord)),
  ExitNodeFilteredSet: omitEmpty(list(text)),
  TempCorpIssue13969: omitZero(text),
})
