// SPDX-License-Identifier: Apache-2.0

/**
 * The commands that speak to the node on this machine, but for `lock`. Words and flags are those of
 * the official command line.
 *
 * @module
 */

import type { Command, Flag } from '../command.ts'
import { jsonFlag, socketFlag } from './common-flags.ts'

/** Preferences that `up`, `login` and `set` can change. */
const prefFlags: readonly Flag[] = [
  {
    name: 'hostname',
    kind: 'text',
    value: 'NAME',
    summary: 'name to use instead of the one of the system',
  },
  { name: 'accept-routes', kind: 'switch', summary: 'accept routes that other nodes advertise' },
  { name: 'accept-dns', kind: 'switch', summary: 'accept the DNS settings of the tailnet' },
  { name: 'shields-up', kind: 'switch', summary: 'refuse incoming connections' },
  {
    name: 'advertise-routes',
    kind: 'text',
    value: 'PREFIX,...',
    summary: 'routes to offer to other nodes; an empty text for none',
  },
  {
    name: 'operator',
    kind: 'text',
    value: 'USER',
    summary: 'user who may operate the node without being root',
  },
]

const loginFlags: readonly Flag[] = [
  socketFlag,
  { name: 'login-server', kind: 'text', value: 'URL', summary: 'the coordination server' },
  {
    name: 'auth-key',
    kind: 'text',
    value: 'KEY|-|file:PATH',
    summary:
      'pre-auth key; "-" reads standard input and "file:PATH" a file, so that it does not stand on the command line',
  },
  {
    name: 'pin',
    kind: 'text',
    value: 'FINGERPRINT',
    summary:
      'the fingerprint of the lock that this node must find ("signet lock fingerprint" on a node that is in); without it the node trusts the first lock that the server shows',
  },
  ...prefFlags,
  {
    name: 'advertise-tags',
    kind: 'text',
    value: 'TAG,...',
    summary: 'tags to ask for; "tag:" in front may be left out',
  },
  {
    name: 'timeout',
    kind: 'text',
    value: 'DURATION',
    summary: 'how long to wait for the node to run, as in 30s or 2m; 0s waits for ever',
    fallback: '0s',
  },
]

/** `up`, `down`, `status` and their like. */
export const nodeCommands: readonly Command[] = [
  {
    path: ['up'],
    summary: 'Connect to the tailnet, logging in if needed',
    usage: '',
    details: [
      'Returns when the node runs, or says what it waits for (a login, an approval, a signature) and how to get it. Settings that are not mentioned stay as they are.',
      'Exit code 3 means that the node runs but is locked out; the command that a signer must run is printed.',
    ],
    flags: [
      ...loginFlags,
      { name: 'force-reauth', kind: 'switch', summary: 'log in again, with a new node key' },
      { name: 'reset', kind: 'switch', summary: 'set unmentioned settings back to their defaults' },
      jsonFlag,
    ],
    example: 'up --login-server https://lock.example.net --auth-key file:key.txt',
    load: () => import('./up.ts'),
  },
  {
    path: ['down'],
    summary: 'Disconnect from the tailnet',
    usage: '',
    flags: [socketFlag],
    example: 'down',
    load: () => import('./down.ts'),
  },
  {
    path: ['login'],
    summary: 'Log in to a tailnet',
    usage: '',
    details: ['Like "up --force-reauth": the node gets a new key.'],
    flags: loginFlags,
    example: 'login --login-server https://lock.example.net',
    load: () => import('./login.ts'),
  },
  {
    path: ['logout'],
    summary: "Disconnect, and end the validity of this node's key",
    usage: '',
    flags: [socketFlag],
    example: 'logout',
    load: () => import('./logout.ts'),
  },
  {
    path: ['set'],
    summary: 'Change the settings that are mentioned',
    usage: '',
    flags: [socketFlag, ...prefFlags],
    example: 'set --hostname laptop',
    load: () => import('./set.ts'),
  },
  {
    path: ['status'],
    summary: 'Show this node, its peers, and who is locked out',
    usage: '',
    details: [
      'Exit code 3 means that this node is locked out; the command that a signer must run is printed.',
    ],
    flags: [
      socketFlag,
      jsonFlag,
      { name: 'active', kind: 'switch', summary: 'show only peers with active sessions' },
      { name: 'self', kind: 'switch', summary: 'show this node', fallback: 'true' },
      { name: 'peers', kind: 'switch', summary: 'show peers', fallback: 'true' },
      { name: 'header', kind: 'switch', summary: 'show column headings' },
    ],
    example: 'status --json',
    load: () => import('./status.ts'),
  },
  {
    path: ['ping'],
    summary: 'Ping a node through the tunnel',
    usage: 'NAME|ADDRESS',
    details: [
      'Stops after the given number of pings, or once a ping went over a direct path. Exit code 3 means that the peer is locked out.',
    ],
    flags: [
      socketFlag,
      { name: 'tsmp', kind: 'switch', summary: 'ping inside WireGuard, below both IP stacks' },
      { name: 'icmp', kind: 'switch', summary: 'ping inside WireGuard with ICMP' },
      {
        name: 'c',
        kind: 'number',
        value: 'N',
        summary: 'pings to send; 0 for no end',
        fallback: '10',
      },
      {
        name: 'until-direct',
        kind: 'switch',
        summary: 'stop once a direct path is found',
        fallback: 'true',
      },
      {
        name: 'timeout',
        kind: 'text',
        value: 'DURATION',
        summary: 'how long to wait for each answer',
        fallback: '5s',
      },
      { name: 'verbose', kind: 'switch', summary: 'say what the name was resolved to' },
      jsonFlag,
    ],
    example: 'ping -c 1 --tsmp desktop',
    load: () => import('./ping.ts'),
  },
  {
    path: ['ip'],
    summary: "Show a node's addresses in the tailnet",
    usage: '[NAME|ADDRESS]',
    flags: [
      socketFlag,
      { name: '1', kind: 'switch', summary: 'print one address only' },
      { name: '4', kind: 'switch', summary: 'print the IPv4 address only' },
      { name: '6', kind: 'switch', summary: 'print the IPv6 address only' },
      {
        name: 'assert',
        kind: 'text',
        value: 'ADDRESS',
        summary: 'fail unless this node has that address',
      },
    ],
    example: 'ip -4 desktop',
    load: () => import('./ip.ts'),
  },
  {
    path: ['whois'],
    summary: 'Show the node and user that an address belongs to',
    usage: 'ADDRESS[:PORT]',
    flags: [socketFlag, jsonFlag],
    example: 'whois 100.64.0.2',
    load: () => import('./whois.ts'),
  },
  {
    path: ['version'],
    summary: 'Print the version',
    usage: '',
    flags: [
      socketFlag,
      { name: 'daemon', kind: 'switch', summary: "also print the node's version" },
      jsonFlag,
    ],
    example: 'version --daemon',
    load: () => import('./version.ts'),
  },
  {
    path: ['completion'],
    summary: 'Print a completion script for a shell',
    usage: 'bash|zsh|fish',
    flags: [],
    choices: ['bash', 'zsh', 'fish'],
    example: 'completion bash > /etc/bash_completion.d/signet',
    load: () => import('./completion.ts'),
  },
]
