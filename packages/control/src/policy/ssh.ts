// SPDX-License-Identifier: Apache-2.0

/**
 * Who may log in to a node by SSH. Where nothing is said, nobody may.
 *
 * @module
 */

import type { SSHRule } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import type { Directory, DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { readSources } from './filters.ts'
import { isMeant, readSelector } from './selectors.ts'
import type { Selector } from './selectors.ts'

/** One rule, checked. */
export interface SshSource {
  readonly src: readonly Selector[]
  readonly dst: readonly Selector[]
  readonly users: Readonly<Record<string, string>>
  readonly acceptEnv: readonly string[]
}

/** Checks the rules of a policy. */
export function readSsh(document: PolicyDocument, faults: Faults): readonly SshSource[] {
  return document.ssh.map((rule, index) => {
    const at = ['ssh', index]
    return {
      src: readSources(document, rule.src, [...at, 'src'], faults),
      dst: rule.dst.flatMap(
        (text, position) =>
          faults.try([...at, 'dst', position], () => {
            const selector = readSelector(document, text, 'ssh-dst')
            if (selector.kind === 'nodes' || selector.kind === 'self') return selector
            throw new ControlError('bad-policy', 'expected a tag, a user, or autogroup:self')
          }) ?? [],
      ),
      users: localUsers(rule.users, [...at, 'users'], faults),
      acceptEnv: rule.acceptEnv ?? [],
    }
  })
}

/** The SSHPolicy of one node, as it is sent. */
export function sshFor(
  rules: readonly SshSource[],
  directory: Directory,
  node: DirectoryNode,
): string {
  return JSON.stringify({ rules: rules.flatMap((rule) => rulesAt(rule, directory, node)) })
}

function rulesAt(rule: SshSource, directory: Directory, node: DirectoryNode): readonly SSHRule[] {
  const isAny = isMeant(rule.dst, node)
  const isOwn = node.user !== null && rule.dst.some(({ kind }) => kind === 'self')
  if (!isAny && !isOwn) return []
  const principals = [...directory.nodes.values()]
    .filter((source) => isMeant(rule.src, source))
    .filter((source) => isAny || (source.user !== null && source.user.id === node.user?.id))
    .flatMap(({ addresses }) => addresses.map((nodeIP) => ({ nodeIP })))
  if (principals.length === 0) return []
  return [
    {
      principals,
      sshUsers: rule.users,
      action: {
        accept: true,
        allowAgentForwarding: true,
        allowLocalPortForwarding: true,
        allowRemotePortForwarding: true,
      },
      ...(rule.acceptEnv.length > 0 && { acceptEnv: rule.acceptEnv }),
    },
  ]
}

/** Who may be asked for, and who that is on the machine. */
function localUsers(
  texts: readonly string[],
  path: readonly PropertyKey[],
  faults: Faults,
): Readonly<Record<string, string>> {
  // Everybody but root, each as themselves; root only when it is named as well.
  const users: Record<string, string> = texts.includes('autogroup:nonroot')
    ? { '*': '=', root: '' }
    : {}
  for (const [position, text] of texts.entries()) {
    if (text === 'autogroup:nonroot') continue
    if (/^[a-zA-Z_][a-zA-Z0-9_.-]{0,31}\$?$/.test(text)) users[text] = text
    else {
      faults.add(
        [...path, position],
        `${JSON.stringify(text)} is no local user; write a name, or autogroup:nonroot`,
      )
    }
  }
  return users
}
