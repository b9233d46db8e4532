// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock`: words, flags and outputs of the official `tailscale lock`, and what Signet adds.
 *
 * @module
 */

import type { Command } from '../../command.ts'
import { jsonFlag, socketFlag, versionedJsonFlag } from '../common-flags.ts'

const keys = 'KEY...'

/** Every lock command. */
export const lockCommands: readonly Command[] = [
  {
    path: ['lock', 'init'],
    summary: 'Initialize the tailnet lock',
    usage: 'KEY[?VOTES]... [disablement:HEX...]',
    details: [
      'The keys are those that are trusted to sign nodes and to change the lock from the beginning; the key of this node must be among them. "signet lock" on a node shows its key.',
      'Every node that this node can see is signed. Node keys that only the server claims to know are refused: see --sign-unknown-nodes.',
      'Disablement secrets end the lock. They are made here, printed once after the lock is on, and never sent to the server; what is stored is a value computed from each.',
      'Without --confirm the command only says what it would do.',
    ],
    flags: [
      socketFlag,
      {
        name: 'gen-disablements',
        kind: 'number',
        value: 'N',
        summary: 'number of disablement secrets to make',
        fallback: '1',
      },
      {
        name: 'gen-disablement-for-support',
        kind: 'switch',
        summary:
          "make one more secret and hand it to the server's operator; Signet servers refuse it unless they are configured to keep it",
      },
      { name: 'confirm', kind: 'switch', summary: 'do it' },
      {
        name: 'sign-unknown-nodes',
        kind: 'switch',
        summary:
          "sign also the node keys that the server lists but that are not in this node's own map",
      },
      jsonFlag,
    ],
    example: 'lock init --confirm --gen-disablements 2 tlpub:73b7...e021 tlpub:75e7...03f9',
    load: () => import('./init.ts'),
  },
  {
    path: ['lock', 'status'],
    summary: 'Show the state of the tailnet lock',
    usage: '',
    flags: [socketFlag, versionedJsonFlag],
    example: 'lock status --json',
    load: () => import('./status.ts'),
  },
  {
    path: ['lock', 'add'],
    summary: 'Add trusted signing keys',
    usage: 'KEY[?VOTES]...',
    flags: [socketFlag],
    example: 'lock add tlpub:7d79...6200?2',
    load: () => import('./add.ts'),
  },
  {
    path: ['lock', 'remove'],
    summary: 'Remove trusted signing keys',
    usage: keys,
    details: [
      'Nodes whose signature depends on a removed key are signed again with the key of this node first, unless --re-sign=false.',
    ],
    flags: [
      socketFlag,
      {
        name: 're-sign',
        kind: 'switch',
        summary: 'sign again what the removal would make invalid',
        fallback: 'true',
      },
      { name: 'yes', kind: 'switch', summary: 'do not ask before locking nodes out' },
    ],
    example: 'lock remove tlpub:7d79...6200',
    load: () => import('./remove.ts'),
  },
  {
    path: ['lock', 'sign'],
    summary: 'Sign nodes, or a pre-auth key',
    usage: 'NODE-KEY [ROTATION-KEY] ... | AUTH-KEY',
    details: [
      'Signs each node key with the key of this node. The rotation key (tlpub:...) behind a node key is the lock key of that node, as its own "signet lock" shows it: with it the node can change its node key without being signed again. Take it from the node itself, not from the server.',
      'A pre-auth key (tskey-auth-...) is printed in a form that lets nodes join a locked tailnet without being signed by hand.',
      'An argument file:PATH stands for the content of that file, "-" for standard input.',
    ],
    flags: [
      socketFlag,
      {
        name: 'all-pending',
        kind: 'switch',
        summary:
          'sign every node that is locked out, after showing the list; without rotation keys, because only the nodes themselves know them',
      },
      { name: 'yes', kind: 'switch', summary: 'do not ask before signing the list' },
      jsonFlag,
    ],
    example: 'lock sign nodekey:3708...db42 tlpub:604f...ca1b',
    load: () => import('./sign.ts'),
  },
  {
    path: ['lock', 'disable'],
    summary: 'End the tailnet lock with a disablement secret',
    usage: 'SECRET|-|file:PATH',
    details: [
      'The secret is checked by every node itself. Once used it is known to all of them and should be taken as public.',
    ],
    flags: [socketFlag],
    example: 'lock disable file:secret.txt',
    load: () => import('./disable.ts'),
  },
  {
    path: ['lock', 'disablement-kdf'],
    summary: 'Compute the disablement value of a secret (advanced)',
    usage: 'HEX|-|file:PATH',
    flags: [],
    example: 'lock disablement-kdf file:secret.hex',
    load: () => import('./disablement-kdf.ts'),
  },
  {
    path: ['lock', 'log'],
    summary: 'List the changes made to the tailnet lock, newest first',
    usage: '',
    flags: [
      socketFlag,
      {
        name: 'limit',
        kind: 'number',
        value: 'N',
        summary: 'most updates to list',
        fallback: '50',
      },
      versionedJsonFlag,
    ],
    example: 'lock log --limit 5',
    load: () => import('./log.ts'),
  },
  {
    path: ['lock', 'local-disable'],
    summary: 'Stop enforcing the tailnet lock on this node only',
    usage: '',
    details: [
      'This node then accepts peers that the lock refuses. It does not help a node that is locked out: the others go on refusing it.',
    ],
    flags: [socketFlag],
    example: 'lock local-disable',
    load: () => import('./local-disable.ts'),
  },
  {
    path: ['lock', 'repair'],
    summary: "Get this node's damaged copy of the lock back",
    usage: '',
    details: [
      'For a node that refuses everybody because its copy of the lock is damaged or gone. The history is fetched from the server and taken only if it holds both the first and the newest update that this node had; the damaged files are kept beside it.',
    ],
    flags: [socketFlag],
    example: 'lock repair',
    load: () => import('./repair.ts'),
  },
  {
    path: ['lock', 'forgive'],
    summary: 'Let a node key in again that was replaced by a rotation',
    usage: 'NODEKEY',
    details: [
      'A node refuses for good the keys that a rotation replaced, so that nobody can replay an old signature. Use this when the owner of a node really went back to an old key, as after restoring it from a backup.',
    ],
    flags: [socketFlag],
    example: 'lock forgive nodekey:97b4...9a7b',
    load: () => import('./forgive.ts'),
  },
  {
    path: ['lock', 'revoke-keys'],
    summary: 'Revoke compromised trusted keys, back to before they were added',
    usage: `${keys} | --cosign BLOB | --finish BLOB`,
    details: [
      '1. Name the keys; a command to run on another signing node is printed. 2. Run it there (--cosign), and so on from node to node. 3. When there are more signatures than keys to revoke, run the last command with --finish.',
      'Use "signet lock remove" when the key is not compromised.',
    ],
    flags: [
      socketFlag,
      { name: 'cosign', kind: 'switch', summary: "add this node's signature to the revocation" },
      { name: 'finish', kind: 'switch', summary: 'send the revocation to the tailnet' },
      {
        name: 'fork-from',
        kind: 'text',
        value: 'HASH',
        summary: 'update to rewrite from (advanced)',
      },
    ],
    example: 'lock revoke-keys tlpub:7d79...6200',
    load: () => import('./revoke-keys.ts'),
  },
  {
    path: ['lock', 'fingerprint'],
    summary: 'Show what identifies this lock, to pin it or to read it out',
    usage: '',
    details: [
      'A new node that is started with "signet up --pin FINGERPRINT" accepts this lock and no other. Without a pin a node trusts the first lock that the server shows it.',
    ],
    flags: [socketFlag, jsonFlag],
    example: 'lock fingerprint',
    load: () => import('./fingerprint.ts'),
  },
  {
    path: ['lock', 'verify'],
    summary: 'Check an exported chain of updates, offline',
    usage: 'FILE|-',
    details: [
      'FILE is what "signet lock log --limit 0 --json" (or the official command) printed. Every update is verified against those before it.',
    ],
    flags: [
      {
        name: 'pin',
        kind: 'text',
        value: 'FINGERPRINT',
        summary: 'fail unless the chain begins with this lock',
      },
      jsonFlag,
    ],
    example: 'lock verify chain.json',
    load: () => import('./verify.ts'),
  },
  {
    path: ['lock', 'tskey-wrap'],
    summary: 'Wrap a pre-auth key (now part of "lock sign")',
    usage: 'AUTH-KEY|-|file:PATH',
    flags: [socketFlag],
    example: 'lock tskey-wrap file:key.txt',
    hidden: true,
    load: () => import('./tskey-wrap.ts'),
  },
]
