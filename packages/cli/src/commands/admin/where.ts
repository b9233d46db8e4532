// SPDX-License-Identifier: Apache-2.0

/**
 * The flags by which every admin command finds the server.
 *
 * @module
 */

import type { Flag } from '../../command.ts'
import { stateDirFlag } from '../common-flags.ts'

/** How every admin command finds the server. */
export const where: readonly Flag[] = [
  { ...stateDirFlag, summary: "the server's state directory, with admin.sock in it" },
  { name: 'socket', kind: 'text', value: 'PATH', summary: 'the admin socket itself' },
  {
    name: 'tailnet',
    kind: 'text',
    value: 'NAME',
    summary: 'which tailnet of the server',
    fallback: 'default',
  },
]
