// SPDX-License-Identifier: Apache-2.0

/**
 * The commands that ask a node by way of the server.
 *
 * @module
 */

import type { Command } from '../../command.ts'
import { jsonFlag } from '../common-flags.ts'
import { where } from './where.ts'

/** What a node can be asked by name. */
const questions = ['health', 'netmap', 'prefs', 'tka-log', 'goroutines', 'metrics']

/** Questions to nodes. */
export const nodeCallCommands: readonly Command[] = [
  {
    path: ['admin', 'nodes', 'ping'],
    summary: 'Have one node ping another',
    usage: 'FROM TO',
    flags: [
      ...where,
      {
        name: 'type',
        kind: 'text',
        value: 'disco|TSMP|ICMP|peerapi',
        summary: 'what kind of ping',
        fallback: 'disco',
      },
      jsonFlag,
    ],
    example: 'admin nodes ping laptop web --type TSMP',
    load: () => import('./node-calls.ts').then(({ ping }) => ({ run: ping })),
  },
  {
    path: ['admin', 'nodes', 'debug'],
    summary: 'Ask a node what it sees',
    usage: 'NODE WHAT',
    details: [
      `WHAT is one of ${questions.join(', ')}. The node answers over its control connection; only official clients do.`,
    ],
    choices: questions,
    flags: where,
    example: 'admin nodes debug laptop health',
    load: () => import('./node-calls.ts').then(({ debug }) => ({ run: debug })),
  },
  {
    path: ['admin', 'nodes', 'c2n'],
    summary: "Send a request to a node's own handlers, and print the answer",
    usage: 'NODE METHOD PATH',
    flags: where,
    example: 'admin nodes c2n laptop GET /update',
    load: () => import('./node-calls.ts').then(({ c2n }) => ({ run: c2n })),
  },
]
