// SPDX-License-Identifier: Apache-2.0

/**
 * What a node is told besides the other nodes: how names resolve, which packets it lets in, who may log in
 * by SSH, and its attributes.
 *
 * Each part is JSON as it is sent. A session remembers the one it was given, and is owed what differs.
 *
 * @module
 */

/** Attributes of a node: names with their arguments, as JSON. */
export type Attributes = Readonly<Record<string, readonly unknown[] | null>>

/** What one node is told. The same object for as long as nothing in it changes. */
export interface Guidance {
  readonly dns: string
  readonly filters: string
  readonly ssh: string
  /** Whether there is a newer client; null says nothing about it. */
  readonly clientVersion: string | null
  /** Go into the node's own record. */
  readonly attributes: Attributes
}

/** The parts of a message that differ from what was told before; null before the first time. */
export function guidanceParts(before: Guidance | null, now: Guidance): readonly string[] {
  const parts: string[] = []
  if (now.dns !== before?.dns) parts.push(`"DNSConfig":${now.dns}`)
  if (now.filters !== before?.filters) parts.push(`"PacketFilters":${now.filters}`)
  if (now.ssh !== before?.ssh) parts.push(`"SSHPolicy":${now.ssh}`)
  if (now.clientVersion !== null && now.clientVersion !== before?.clientVersion) {
    parts.push(`"ClientVersion":${now.clientVersion}`)
  }
  return parts
}
