// SPDX-License-Identifier: Apache-2.0

/**
 * Users as clients see them.
 *
 * @module
 */

import { int, text, time } from './codecs.ts'
import { always, type Codec, list, omitEmpty, omitZero, struct } from './schema.ts'
import type { WireTime } from './wire-time.ts'

/** An account. */
export interface User {
  readonly ID: number
  readonly DisplayName: string
  readonly ProfilePicURL?: string | undefined
  readonly Created?: WireTime | undefined
}

/** Codec of {@link User}. */
export const user: Codec<User> = struct<User>({
  ID: always(int),
  DisplayName: always(text),
  ProfilePicURL: omitZero(text),
  Created: omitZero(time),
})

/** A way to log in to an account. */
export interface Login {
  readonly ID: number
  readonly Provider: string
  readonly LoginName: string
  readonly DisplayName: string
  readonly ProfilePicURL?: string | undefined
}

/** Codec of {@link Login}. */
export const login: Codec<Login> = struct<Login>({
  ID: always(int),
  Provider: always(text),
  LoginName: always(text),
  DisplayName: always(text),
  ProfilePicURL: omitZero(text),
})

/** What is shown of the owner of a node. */
export interface UserProfile {
  readonly ID: number
  readonly LoginName: string
  readonly DisplayName: string
  readonly ProfilePicURL?: string | undefined
  readonly Groups?: readonly string[] | undefined
}

/** Codec of {@link UserProfile}. */
export const userProfile: Codec<UserProfile> = struct<UserProfile>({
  ID: always(int),
  LoginName: always(text),
  DisplayName: always(text),
  ProfilePicURL: omitZero(text),
  Groups: omitEmpty(list(text)),
})
