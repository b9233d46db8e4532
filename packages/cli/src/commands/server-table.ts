// SPDX-License-Identifier: Apache-2.0

/**
 * The programs that keep running: the server and the node.
 *
 * @module
 */

import type { Command } from '../command.ts'
import { logFormatFlag, logLevelFlag, socketFlag, stateDirFlag } from './common-flags.ts'

/** `serve` and `node`. */
export const serverCommands: readonly Command[] = [
  {
    path: ['serve'],
    summary: 'Run a coordination server',
    usage: '',
    details: [
      'Without a configuration file, --state-dir and --listen are enough for a working server. A file (--config) may hold the same settings and more; flags win over SIGNET_... variables, variables over the file.',
      'With --tls-cert and --tls-key the server speaks TLS itself, also as a relay; with --acme-domains it gets the certificate itself: --listen :443 --http-listen :80 --acme-domains lock.example.net --acme-agree-tos true.',
      'The admin socket DIR/admin.sock is for whoever can open it; "signet admin" speaks to it.',
    ],
    flags: [
      { name: 'config', kind: 'text', value: 'FILE', summary: 'configuration file (YAML)' },
      stateDirFlag,
      {
        name: 'listen',
        kind: 'text',
        value: 'HOST:PORT',
        summary: 'where nodes connect; port 0 picks a free one',
      },
      {
        name: 'url',
        kind: 'text',
        value: 'URL',
        summary: 'what nodes dial, when it is not the listening address',
      },
      {
        name: 'tls-cert',
        kind: 'text',
        value: 'FILE',
        summary: 'certificate chain (PEM): serve TLS; a new one is noticed by itself or at SIGHUP',
      },
      { name: 'tls-key', kind: 'text', value: 'FILE', summary: 'its key (PEM)' },
      {
        name: 'acme-domains',
        kind: 'text',
        value: 'LIST',
        summary: 'names to get a certificate for, by ACME; takes --http-listen',
      },
      {
        name: 'acme-email',
        kind: 'text',
        value: 'ADDRESS',
        summary: 'where the certificate authority writes to',
      },
      {
        name: 'acme-directory',
        kind: 'text',
        value: 'URL',
        summary: "the certificate authority (default Let's Encrypt)",
      },
      {
        name: 'acme-agree-tos',
        kind: 'text',
        value: 'true',
        summary: 'that you agree to its terms of service',
      },
      {
        name: 'http-listen',
        kind: 'text',
        value: 'HOST:PORT',
        summary:
          'plain port beside TLS, usually :80, for clients that try it first and for browsers',
      },
      {
        name: 'trusted-proxies',
        kind: 'text',
        value: 'LIST',
        summary: 'addresses or prefixes whose X-Forwarded-For and -Proto count',
      },
      {
        name: 'bootstrap-dns',
        kind: 'text',
        value: 'true|false',
        summary: 'tell the addresses of this server to clients without a name server',
      },
      {
        name: 'domain',
        kind: 'text',
        value: 'NAME',
        summary: 'domain of the names of nodes (default default.signet.internal)',
      },
      {
        name: 'stun-port',
        kind: 'number',
        value: 'N',
        summary: 'UDP port where nodes learn their public address (usually 3478); none by default',
      },
      {
        name: 'key-lifetime-days',
        kind: 'number',
        value: 'N',
        summary: 'how long a node key is good; 0 for ever (default 180)',
      },
      {
        name: 'policy-file',
        kind: 'text',
        value: 'FILE',
        summary: 'policy: who may reach what (default policy.json in the state directory)',
      },
      {
        name: 'ephemeral-grace-seconds',
        kind: 'number',
        value: 'N',
        summary: 'how long an ephemeral node that has left is kept (default 300)',
      },
      logFormatFlag,
      logLevelFlag,
    ],
    example: 'serve --state-dir /var/lib/signet/server --listen 127.0.0.1:8080',
    load: () => import('./serve.ts'),
  },
  {
    path: ['node'],
    summary: "Run this machine's node in the foreground",
    usage: '',
    details: [
      'Answers the local API on its socket. Nothing is joined before "signet up".',
      'With --tun memory the node needs no rights: it has no network interface, and answers pings inside the process.',
    ],
    flags: [
      stateDirFlag,
      { ...socketFlag, summary: 'socket to listen on (default DIR/node.sock)' },
      {
        name: 'tun',
        kind: 'text',
        value: 'memory',
        summary: 'how packets leave the process',
        fallback: 'memory',
      },
      {
        name: 'port',
        kind: 'number',
        value: 'N',
        summary: 'UDP port for WireGuard; 0 picks a free one',
        fallback: '0',
      },
      {
        name: 'bind',
        kind: 'text',
        value: 'ADDRESS',
        summary: 'address of the UDP socket, "none" for relays alone; the default is every address',
      },
      logFormatFlag,
      logLevelFlag,
    ],
    example: 'node --state-dir ./laptop --tun memory',
    load: () => import('./node.ts'),
  },
]
