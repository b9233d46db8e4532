// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin`: what the owner of a server can do, over the server's admin socket.
 *
 * @module
 */

import type { Command } from '../../command.ts'
import { jsonFlag } from '../common-flags.ts'
import { nodeCallCommands } from './node-calls-table.ts'
import { policyCommands } from './policy-table.ts'
import { where } from './where.ts'

const nodeRef = 'NODE'

/** Every admin command. */
export const adminCommands: readonly Command[] = [
  {
    path: ['admin', 'users', 'create'],
    summary: 'Create a user',
    usage: 'NAME',
    details: [
      'The first user is the owner. Owners and admins may change the lock; members may not.',
    ],
    flags: [
      ...where,
      { name: 'role', kind: 'text', value: 'owner|admin|member', summary: "the user's role" },
      jsonFlag,
    ],
    example: 'admin users create ann --role admin',
    load: () => import('./users.ts').then(({ create }) => ({ run: create })),
  },
  {
    path: ['admin', 'users', 'list'],
    summary: 'List users',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin users list',
    load: () => import('./users.ts').then(({ list }) => ({ run: list })),
  },
  {
    path: ['admin', 'users', 'rename'],
    summary: 'Rename a user',
    usage: 'NAME NEW-NAME',
    flags: [...where, jsonFlag],
    example: 'admin users rename ann anna',
    load: () => import('./users.ts').then(({ rename }) => ({ run: rename })),
  },
  {
    path: ['admin', 'users', 'role'],
    summary: "Change a user's role",
    usage: 'NAME owner|admin|member',
    flags: [...where, jsonFlag],
    example: 'admin users role ann admin',
    load: () => import('./users.ts').then(({ role }) => ({ run: role })),
  },
  {
    path: ['admin', 'users', 'delete'],
    summary: 'Delete a user that has no nodes',
    usage: 'NAME',
    flags: where,
    example: 'admin users delete ann',
    load: () => import('./users.ts').then(({ remove }) => ({ run: remove })),
  },
  {
    path: ['admin', 'nodes', 'list'],
    summary: 'List nodes',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin nodes list --json',
    load: () => import('./nodes.ts').then(({ list }) => ({ run: list })),
  },
  {
    path: ['admin', 'nodes', 'show'],
    summary: 'Show one node',
    usage: nodeRef,
    flags: [...where, jsonFlag],
    example: 'admin nodes show laptop',
    load: () => import('./nodes.ts').then(({ show }) => ({ run: show })),
  },
  {
    path: ['admin', 'nodes', 'rename'],
    summary: 'Rename a node',
    usage: `${nodeRef} NEW-NAME`,
    flags: [...where, jsonFlag],
    example: 'admin nodes rename laptop-1 laptop',
    load: () => import('./nodes.ts').then(({ rename }) => ({ run: rename })),
  },
  {
    path: ['admin', 'nodes', 'tag'],
    summary: "Replace a node's tags",
    usage: `${nodeRef} [TAG...]`,
    details: ['A tagged node belongs to no user, and may not change the lock.'],
    flags: [...where, jsonFlag],
    example: 'admin nodes tag web tag:prod',
    load: () => import('./nodes.ts').then(({ tag }) => ({ run: tag })),
  },
  {
    path: ['admin', 'nodes', 'expire'],
    summary: "End the validity of a node's key",
    usage: nodeRef,
    flags: where,
    example: 'admin nodes expire laptop',
    load: () => import('./nodes.ts').then(({ expire }) => ({ run: expire })),
  },
  {
    path: ['admin', 'nodes', 'delete'],
    summary: 'Delete a node',
    usage: nodeRef,
    flags: where,
    example: 'admin nodes delete laptop',
    load: () => import('./nodes.ts').then(({ remove }) => ({ run: remove })),
  },
  {
    path: ['admin', 'nodes', 'routes'],
    summary: 'Show or approve the routes that a node advertises',
    usage: nodeRef,
    flags: [
      ...where,
      {
        name: 'approve',
        kind: 'list',
        value: 'PREFIX,...',
        summary: 'approve exactly these routes; an empty text for none',
      },
      jsonFlag,
    ],
    example: 'admin nodes routes router --approve 10.1.0.0/16',
    load: () => import('./nodes.ts').then(({ routes }) => ({ run: routes })),
  },
  {
    path: ['admin', 'nodes', 'pending'],
    summary: 'List machines that ask to join without a pre-auth key',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin nodes pending',
    load: () => import('./logins.ts').then(({ pending }) => ({ run: pending })),
  },
  {
    path: ['admin', 'nodes', 'approve'],
    summary: 'Let a machine in that asked without a pre-auth key',
    usage: 'URL|ID',
    details: [
      'URL is what "up" printed on the machine. Compare the node key in "signet admin nodes pending" when in doubt who asks.',
      'A machine that was here before keeps its owner and tags unless told otherwise; for another, --user or --tags is needed when the tailnet has several users. Tags that it requests are given only when they are named here.',
    ],
    flags: [
      ...where,
      { name: 'user', kind: 'text', value: 'NAME', summary: 'whose node it becomes' },
      { name: 'tags', kind: 'list', value: 'TAG,...', summary: 'its tags, instead of a user' },
      { name: 'ephemeral', kind: 'switch', summary: 'the node disappears when it goes offline' },
      jsonFlag,
    ],
    example: 'admin nodes approve https://signet.example.net/login/5f0c... --user ann',
    load: () => import('./logins.ts').then(({ approve }) => ({ run: approve })),
  },
  {
    path: ['admin', 'nodes', 'deny'],
    summary: 'Refuse a machine that asked without a pre-auth key',
    usage: 'URL|ID',
    flags: where,
    example: 'admin nodes deny https://signet.example.net/login/5f0c...',
    load: () => import('./logins.ts').then(({ deny }) => ({ run: deny })),
  },
  {
    path: ['admin', 'keys', 'create'],
    summary: 'Create a pre-auth key, and print it once',
    usage: '',
    flags: [
      ...where,
      { name: 'user', kind: 'text', value: 'NAME', summary: 'the user whose nodes the key makes' },
      { name: 'reusable', kind: 'switch', summary: 'the key may be used more than once' },
      { name: 'ephemeral', kind: 'switch', summary: 'nodes disappear when they go offline' },
      {
        name: 'tags',
        kind: 'list',
        value: 'TAG,...',
        summary: 'tags of the nodes, instead of a user',
      },
      {
        name: 'expiry',
        kind: 'text',
        value: 'DURATION',
        summary: 'how long the key may be used, as in 90m, 24h or 30d',
      },
      { name: 'pre-approved', kind: 'switch', summary: 'nodes need no approval' },
      jsonFlag,
    ],
    example: 'admin keys create --user ann --reusable --expiry 24h',
    load: () => import('./keys.ts').then(({ create }) => ({ run: create })),
  },
  {
    path: ['admin', 'keys', 'list'],
    summary: 'List pre-auth keys (without their secrets)',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin keys list',
    load: () => import('./keys.ts').then(({ list }) => ({ run: list })),
  },
  {
    path: ['admin', 'keys', 'revoke'],
    summary: 'Revoke a pre-auth key',
    usage: 'ID',
    flags: where,
    example: 'admin keys revoke k3f9',
    load: () => import('./keys.ts').then(({ revoke }) => ({ run: revoke })),
  },
  {
    path: ['admin', 'lock', 'status'],
    summary: 'Show the lock as the server holds it',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin lock status',
    load: () => import('./lock.ts').then(({ status }) => ({ run: status })),
  },
  {
    path: ['admin', 'lock', 'acks'],
    summary: 'Show which node has acknowledged which head',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin lock acks',
    load: () => import('./lock.ts').then(({ acks }) => ({ run: acks })),
  },
  ...nodeCallCommands,
  ...policyCommands,
  {
    path: ['admin', 'relay', 'status'],
    summary: 'Show how the relay is doing',
    usage: '',
    details: ['Counts begin when the server starts.'],
    flags: [...where, jsonFlag],
    example: 'admin relay status',
    load: () => import('./relay.ts').then(({ status }) => ({ run: status })),
  },
  {
    path: ['admin', 'backup'],
    summary: 'Copy the state of the running server to a new directory',
    usage: 'DIR',
    details: [
      'The copy has the database, the keys of the server, the policy that was set and certificates got by ACME; files that settings name elsewhere are not in it. It holds secrets: only its owner may read it.',
      'To restore, stop the server and start one with the copy as its --state-dir. Under a lock nothing is lost by an older copy: nodes bring back the updates that it does not have.',
    ],
    flags: [...where, jsonFlag],
    example: 'admin backup /var/backups/signet-2026-11-22',
    load: () => import('./backup.ts'),
  },
  {
    path: ['admin', 'doctor'],
    summary: 'Look for what is likely to go wrong on the server',
    usage: '',
    flags: [...where, jsonFlag],
    example: 'admin doctor',
    load: () => import('./doctor.ts'),
  },
]
