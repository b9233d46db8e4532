// SPDX-License-Identifier: Apache-2.0

/**
 * The commands of `signet admin policy`, and `signet admin reload`.
 *
 * @module
 */

import type { Command } from '../../command.ts'
import { jsonFlag } from '../common-flags.ts'
import { where } from './where.ts'

/** The policy, and reading settings again. */
export const policyCommands: readonly Command[] = [
  {
    path: ['admin', 'policy', 'get'],
    summary: 'Print the policy: who may reach what',
    usage: '',
    details: ['Without a policy every node may reach every other.'],
    flags: [...where, jsonFlag],
    example: 'admin policy get',
    load: () => import('./policy.ts').then(({ get }) => ({ run: get })),
  },
  {
    path: ['admin', 'policy', 'check'],
    summary: 'Say whether a policy can be used, and what is wrong with it line by line',
    usage: 'FILE',
    flags: where,
    example: 'admin policy check policy.hujson',
    load: () => import('./policy.ts').then(({ check }) => ({ run: check })),
  },
  {
    path: ['admin', 'policy', 'set'],
    summary: 'Store a policy and put it in force; - reads standard input',
    usage: 'FILE',
    details: [
      'A policy that cannot be used changes nothing. Where the setting policy_file names a file, edit that one instead, and run "signet admin reload".',
    ],
    flags: where,
    example: 'admin policy set policy.hujson',
    load: () => import('./policy.ts').then(({ set }) => ({ run: set })),
  },
  {
    path: ['admin', 'reload'],
    summary: 'Have the server read again its policy, DNS settings and node attributes',
    usage: '',
    details: [
      'The same as sending SIGHUP to the server. When anything in them is wrong, all that was in force stays in force.',
    ],
    flags: where,
    example: 'admin reload',
    load: () => import('./policy.ts').then(({ reload }) => ({ run: reload })),
  },
]
