// SPDX-License-Identifier: Apache-2.0

/**
 * Attributes that a policy gives to nodes.
 *
 * @module
 */

import type { Attributes } from '../guidance/guidance.ts'
import { ControlError } from '../errors.ts'
import type { DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { readSources } from './filters.ts'
import { isMeant } from './selectors.ts'
import type { Selector } from './selectors.ts'

/** Who has which attributes. */
export interface AttributeSource {
  readonly target: readonly Selector[]
  readonly attributes: Attributes
}

/**
 * Roles belong to users, and the lock's own capability is everybody's: neither is for a policy to give.
 *
 * @throws ControlError 'bad-policy'
 */
export function checkAttribute(name: string): void {
  if (/^https:\/\/tailscale\.com\/cap\/(is-|tailnet-lock)/.test(name)) {
    throw new ControlError('bad-policy', `${name} is not given by attributes`)
  }
  if (!/^[\x21-\x7e]{1,256}$/.test(name)) {
    throw new ControlError('bad-policy', `${JSON.stringify(name)} is no attribute`)
  }
}

/** Checks the attributes of a policy. */
export function readAttributes(
  document: PolicyDocument,
  faults: Faults,
): readonly AttributeSource[] {
  const sources = document.nodeAttrs.map((rule, index): AttributeSource => {
    const at = ['nodeAttrs', index]
    const names = rule.attr ?? []
    for (const [position, name] of names.entries()) {
      faults.try([...at, 'attr', position], () => checkAttribute(name))
    }
    for (const name of Object.keys(rule.app ?? {})) {
      faults.try([...at, 'app', name], () => checkAttribute(name))
    }
    return {
      target: readSources(document, rule.target, [...at, 'target'], faults),
      attributes: { ...Object.fromEntries(names.map((name) => [name, null])), ...rule.app },
    }
  })
  if (!document.randomizeClientPort) return sources
  const everybody: AttributeSource = {
    target: [{ kind: 'everything' }],
    attributes: { 'randomize-client-port': null },
  }
  return [...sources, everybody]
}

/** The attributes of one node. */
export function attributesFor(
  sources: readonly AttributeSource[],
  node: DirectoryNode,
): Attributes {
  return Object.assign(
    {},
    ...sources.filter(({ target }) => isMeant(target, node)).map(({ attributes }) => attributes),
  )
}
