// SPDX-License-Identifier: Apache-2.0

/**
 * A policy: who may reach what. Read once, whole, with everything that is wrong with it named; then asked for
 * each node.
 *
 * It hides no node from another: whoever administers the lock must see the nodes that nobody has signed yet.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { Attributes } from '../guidance/guidance.ts'
import { MAX_POLICY_BYTES } from '../limits.ts'
import { attributesFor, readAttributes } from './attributes.ts'
import { isAutoApproved, readAutoApprovers } from './auto-approvers.ts'
import type { Directory, DirectoryNode } from './directory.ts'
import { policyDocument } from './document.ts'
import type { PolicyDocument } from './document.ts'
import { createFaults } from './faults.ts'
import type { Faults } from './faults.ts'
import { filtersFor, readFilters } from './filters.ts'
import { parseRelaxedJson } from './relaxed-json.ts'
import { checkMember, readSelector } from './selectors.ts'
import { sshFor, readSsh } from './ssh.ts'
import { runTests } from './tests.ts'

/** What a policy says to one node, as it is sent. */
export interface Ruled {
  readonly filters: string
  readonly ssh: string
  readonly attributes: Attributes
}

/** A policy that was checked. */
export interface Policy {
  /** Its text, as it was given. */
  readonly text: string
  /** How many rules it has, by section. */
  readonly counts: Readonly<Record<'acls' | 'grants' | 'ssh' | 'nodeAttrs' | 'tests', number>>
  readonly forNode: (directory: Directory, id: number) => Ruled
  /** Whether a node may carry a route without being asked. */
  readonly approves: (node: DirectoryNode, route: string) => boolean
}

/** Reads a policy. @throws ControlError 'bad-policy', naming each line and field that is wrong */
export function readPolicy(text: string): Policy {
  if (text.length > MAX_POLICY_BYTES) {
    throw new ControlError('bad-policy', `the policy exceeds ${MAX_POLICY_BYTES} bytes`)
  }
  const source = parseRelaxedJson(text)
  const faults = createFaults(source)
  const parsed = policyDocument.safeParse(source.value)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) faults.add(path, message)
    faults.throwIfAny()
    throw new ControlError('bad-policy', 'the policy cannot be read')
  }
  const document = parsed.data
  checkNames(document, faults)
  const filters = readFilters(document, faults)
  const ssh = readSsh(document, faults)
  const attributes = readAttributes(document, faults)
  const approvers = readAutoApprovers(document, faults)
  faults.throwIfAny()
  runTests(document, filters, faults)
  faults.throwIfAny()
  return {
    text,
    counts: {
      acls: document.acls.length,
      grants: document.grants.length,
      ssh: document.ssh.length,
      nodeAttrs: document.nodeAttrs.length,
      tests: document.tests.length,
    },
    forNode(directory, id) {
      const node = directory.nodes.get(id)
      // Nobody's packets reach a node that is not there.
      if (node === undefined) return { filters: '{"base":[]}', ssh: '{"rules":[]}', attributes: {} }
      return {
        filters: filtersFor(filters, directory, node),
        ssh: sshFor(ssh, directory, node),
        attributes: attributesFor(attributes, node),
      }
    },
    approves: (node, route) => isAutoApproved(approvers, node, route),
  }
}

/** What groups, hosts and tag owners stand for. */
function checkNames(document: PolicyDocument, faults: Faults): void {
  for (const [group, members] of Object.entries(document.groups)) {
    for (const [index, member] of members.entries()) {
      faults.try(['groups', group, index], () => checkMember(member))
    }
  }
  for (const [host, address] of Object.entries(document.hosts)) {
    faults.try(['hosts', host], () => {
      const selector = readSelector({ ...document, hosts: {} }, address, 'src')
      if (selector.kind === 'prefix') return
      throw new ControlError('bad-policy', `${JSON.stringify(address)} is no address or prefix`)
    })
  }
  for (const [tag, owners] of Object.entries(document.tagOwners)) {
    for (const [index, owner] of owners.entries()) {
      faults.try(['tagOwners', tag, index], () => readSelector(document, owner, 'owner'))
    }
  }
}
