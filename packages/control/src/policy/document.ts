// SPDX-License-Identifier: Apache-2.0

/**
 * The shape of a policy file. What this server does not do is refused by name: a rule that silently does not
 * count would be found out by whoever it should have kept away.
 *
 * @module
 */

import { z } from 'zod'
import type { ZodType } from 'zod'

const text = z.string().min(1)
const texts = z.array(text)
const groupName = z.string().regex(/^group:[^\s,:]+$/, 'expected a name such as group:dev')
const tagName = z
  .string()
  .regex(/^tag:[a-zA-Z][a-zA-Z0-9-]{0,49}$/, 'expected a name such as tag:web')

/** Lets sources reach destinations with their ports: `"dst": ["tag:web:80,443"]`. */
export interface AclRule {
  readonly action: 'accept'
  readonly src: readonly string[]
  readonly dst: readonly string[]
  readonly proto?: string | number | undefined
}

/** The same with ports apart from destinations, and with capabilities of applications. */
export interface GrantRule {
  readonly src: readonly string[]
  readonly dst: readonly string[]
  readonly ip?: readonly string[] | undefined
  readonly app?: Readonly<Record<string, readonly unknown[]>> | undefined
}

/** Who may log in to which local users. */
export interface SshRule {
  readonly action: 'accept'
  readonly src: readonly string[]
  readonly dst: readonly string[]
  readonly users: readonly string[]
  readonly acceptEnv?: readonly string[] | undefined
}

/** Attributes of nodes. */
export interface NodeAttribute {
  readonly target: readonly string[]
  readonly attr?: readonly string[] | undefined
  readonly app?: Readonly<Record<string, readonly unknown[]>> | undefined
}

/** What must hold: destinations with one port each that a source reaches, or does not. */
export interface PolicyTest {
  readonly src: string
  readonly proto?: string | undefined
  readonly accept?: readonly string[] | undefined
  readonly deny?: readonly string[] | undefined
}

/** A policy file, by its own names. */
export interface PolicyDocument {
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly hosts: Readonly<Record<string, string>>
  readonly tagOwners: Readonly<Record<string, readonly string[]>>
  readonly acls: readonly AclRule[]
  readonly grants: readonly GrantRule[]
  readonly ssh: readonly SshRule[]
  readonly nodeAttrs: readonly NodeAttribute[]
  readonly autoApprovers: {
    readonly routes: Readonly<Record<string, readonly string[]>>
    readonly exitNode: readonly string[]
  }
  readonly tests: readonly PolicyTest[]
  readonly randomizeClientPort: boolean
}

const app = z.record(text, z.array(z.unknown()))

const sshAction = z.custom<'accept'>((action) => action === 'accept', {
  error: ({ input }) =>
    input === 'check'
      ? '"check" is not done by this server; write "accept", or leave the rule out'
      : 'expected "accept"',
})

/** Reads a policy file. */
export const policyDocument: ZodType<PolicyDocument> = z.strictObject({
  groups: z.record(groupName, texts).default({}),
  hosts: z
    .record(z.string().regex(/^[^\s,:@*]+$/, 'expected a name without : @ *'), text)
    .default({}),
  tagOwners: z.record(tagName, texts).default({}),
  acls: z
    .array(
      z.strictObject({
        action: z.literal('accept'),
        src: texts.min(1),
        dst: texts.min(1),
        proto: z.union([z.string(), z.number()]).optional(),
      }),
    )
    .default([]),
  grants: z
    .array(
      z
        .strictObject({
          src: texts.min(1),
          dst: texts.min(1),
          ip: texts.optional(),
          app: app.optional(),
        })
        .refine((grant) => grant.ip !== undefined || grant.app !== undefined, {
          error: 'a grant needs "ip" or "app"',
        }),
    )
    .default([]),
  ssh: z
    .array(
      z.strictObject({
        action: sshAction,
        src: texts.min(1),
        dst: texts.min(1),
        users: texts.min(1),
        acceptEnv: texts.optional(),
      }),
    )
    .default([]),
  nodeAttrs: z
    .array(z.strictObject({ target: texts, attr: texts.optional(), app: app.optional() }))
    .default([]),
  autoApprovers: z
    .strictObject({
      routes: z.record(text, texts).default({}),
      exitNode: texts.default([]),
    })
    .default({ routes: {}, exitNode: [] }),
  tests: z
    .array(
      z.strictObject({
        src: text,
        proto: z.string().optional(),
        accept: texts.optional(),
        deny: texts.optional(),
      }),
    )
    .default([]),
  randomizeClientPort: z.boolean().default(false),
})
