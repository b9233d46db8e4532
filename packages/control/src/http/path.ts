// SPDX-License-Identifier: Apache-2.0

/**
 * What a request asks for.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'

/** The path of a request. Not by `URL`, which throws at a target like `//`: here that would end the process. */
export function pathOf(request: Pick<IncomingMessage, 'url'>): string {
  return request.url?.split('?')[0] ?? '/'
}
