// SPDX-License-Identifier: Apache-2.0

/**
 * Flags that several commands share.
 *
 * @module
 */

import type { Flag } from '../command.ts'

/** Which node to speak to. */
export const socketFlag: Flag = {
  name: 'socket',
  kind: 'text',
  value: 'PATH',
  summary: "the node's socket; SIGNET_SOCKET also names it, and it may stand before the command",
}

/** Machine-readable output. */
export const jsonFlag: Flag = { name: 'json', kind: 'switch', summary: 'output in JSON format' }

/** Machine-readable output with a schema version. */
export const versionedJsonFlag: Flag = {
  name: 'json',
  kind: 'switch',
  version: true,
  summary: 'output in JSON format; =1 asks for version 1 of the schema',
}

/** Where a program keeps its files. */
export const stateDirFlag: Flag = {
  name: 'state-dir',
  kind: 'text',
  value: 'DIR',
  summary: 'where the state is kept',
}

/** How a program logs. */
export const logFormatFlag: Flag = {
  name: 'log-format',
  kind: 'text',
  value: 'json|pretty',
  summary: 'how log lines look; pretty on terminals, else json',
}

/** How much a program logs. */
export const logLevelFlag: Flag = {
  name: 'log-level',
  kind: 'text',
  value: 'LEVEL',
  summary: 'debug, info, warn or error',
  fallback: 'info',
}
