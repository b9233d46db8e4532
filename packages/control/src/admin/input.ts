// SPDX-License-Identifier: Apache-2.0

/**
 * What comes in through the admin API, checked.
 *
 * @module
 */

import type { Context } from 'hono'
import { z } from 'zod'
import type { ZodType } from 'zod'
import { ControlError } from '../errors.ts'
import { MAX_TAGS } from '../limits.ts'
import { isTag } from '../tailnet/names.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { DEFAULT_TAILNET } from '../tailnet/tailnets.ts'
import type { AdminServices } from './services.ts'

const MAX_ADMIN_BODY_BYTES = 64 << 10

/** A user's name: what fits into a login name and a command line. */
export const userName: ZodType<string> = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}$/,
    'a name has letters, digits and . _ @ + - (at most 63)',
  )

/** A user's role. */
export const role: ZodType<'owner' | 'admin' | 'member'> = z.enum(['owner', 'admin', 'member'])

/** Tags, as official policies write them. */
export const tags: ZodType<string[]> = z
  .array(z.string().refine(isTag, 'a tag looks like tag:name'))
  .max(MAX_TAGS)

/** The tailnet that a request is about. */
export function tailnetOf(c: Context, services: AdminServices): Tailnet {
  return services.tailnets.byName(c.req.query('tailnet') ?? DEFAULT_TAILNET)
}

/** Reads and checks a JSON body; an absent one is an empty object. @throws ControlError 'bad-request' */
export async function readInput<T>(
  c: Context,
  schema: ZodType<T>,
  limit: number = MAX_ADMIN_BODY_BYTES,
): Promise<T> {
  const text = await c.req.text()
  if (text.length > limit) {
    throw new ControlError('too-large', `The request exceeds ${limit} bytes`)
  }
  const result = schema.safeParse(parseJson(text === '' ? '{}' : text))
  if (result.success) return result.data
  throw new ControlError('bad-request', `Cannot read the request: ${z.prettifyError(result.error)}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ControlError('bad-request', 'The request is not JSON', { cause })
  }
}

/** A time for people and scripts. */
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
