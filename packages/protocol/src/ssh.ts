// SPDX-License-Identifier: Apache-2.0

/**
 * SSH between nodes: the policy in the network map, and the report of a session.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { addressPort, bool, int, int64, text, time } from './codecs.ts'
import { nodeKey } from './key-codecs.ts'
import {
  always,
  type Codec,
  list,
  omitEmpty,
  pointer,
  struct,
  textMap,
  type TextMap,
} from './schema.ts'
import type { WireTime } from './wire-time.ts'

/** Who a rule is about. */
export interface SSHPrincipal {
  readonly node?: string | undefined
  readonly nodeIP?: string | undefined
  readonly userLogin?: string | undefined
  readonly any?: boolean | undefined
  readonly pubKeys?: readonly string[] | undefined
}

/** Codec of {@link SSHPrincipal}. */
export const sshPrincipal: Codec<SSHPrincipal> = struct<SSHPrincipal>({
  node: omitEmpty(text),
  nodeIP: omitEmpty(text),
  userLogin: omitEmpty(text),
  any: omitEmpty(bool),
  pubKeys: omitEmpty(list(text)),
})

/** What to do when a session cannot be recorded. */
export interface SSHRecorderFailureAction {
  readonly RejectSessionWithMessage?: string | undefined
  readonly TerminateSessionWithMessage?: string | undefined
  readonly NotifyURL?: string | undefined
}

/** Codec of {@link SSHRecorderFailureAction}. */
export const sshRecorderFailureAction: Codec<SSHRecorderFailureAction> =
  struct<SSHRecorderFailureAction>({
    RejectSessionWithMessage: omitEmpty(text),
    TerminateSessionWithMessage: omitEmpty(text),
    NotifyURL: omitEmpty(text),
  })

/** What to do with a connection. */
export interface SSHAction {
  readonly message?: string | undefined
  readonly reject?: boolean | undefined
  readonly accept?: boolean | undefined
  /** Nanoseconds. */
  readonly sessionDuration?: number | bigint | undefined
  readonly allowAgentForwarding?: boolean | undefined
  /** Where to ask, over the control connection. */
  readonly holdAndDelegate?: string | undefined
  readonly allowLocalPortForwarding?: boolean | undefined
  readonly allowRemotePortForwarding?: boolean | undefined
  readonly recorders?: readonly string[] | undefined
  readonly onRecordingFailure?: SSHRecorderFailureAction | undefined
}

/** Codec of {@link SSHAction}. */
export const sshAction: Codec<SSHAction> = struct<SSHAction>({
  message: omitEmpty(text),
  reject: omitEmpty(bool),
  accept: omitEmpty(bool),
  sessionDuration: omitEmpty(int64),
  allowAgentForwarding: omitEmpty(bool),
  holdAndDelegate: omitEmpty(text),
  allowLocalPortForwarding: omitEmpty(bool),
  allowRemotePortForwarding: omitEmpty(bool),
  recorders: omitEmpty(list(addressPort)),
  onRecordingFailure: omitEmpty(pointer(sshRecorderFailureAction)),
})

/** The first rule whose principals match decides. */
export interface SSHRule {
  readonly ruleExpires?: WireTime | undefined
  readonly principals: readonly (SSHPrincipal | null)[] | null
  /** Asked-for user to local user; `=` means the same, "" means refused. */
  readonly sshUsers: TextMap<string> | null
  readonly action: SSHAction | null
  readonly acceptEnv?: readonly string[] | undefined
}

/** Codec of {@link SSHRule}. */
export const sshRule: Codec<SSHRule> = struct<SSHRule>({
  ruleExpires: omitEmpty(time),
  principals: always(list(pointer(sshPrincipal))),
  sshUsers: always(textMap(text)),
  action: always(pointer(sshAction)),
  acceptEnv: omitEmpty(list(text)),
})

/** Who may connect by SSH. */
export interface SSHPolicy {
  readonly rules: readonly (SSHRule | null)[] | null
}

/** Codec of {@link SSHPolicy}. */
export const sshPolicy: Codec<SSHPolicy> = struct<SSHPolicy>({
  rules: always(list(pointer(sshRule))),
})

/** One attempt to reach a recorder. */
export interface SSHRecordingAttempt {
  readonly Recorder: string
  readonly FailureMessage: string
}

const sshRecordingAttempt: Codec<SSHRecordingAttempt> = struct<SSHRecordingAttempt>({
  Recorder: always(addressPort),
  FailureMessage: always(text),
})

/** A report about a recorded session. */
export interface SSHEventNotifyRequest {
  readonly EventType: number
  readonly ConnectionID: string
  readonly CapVersion: number
  readonly NodeKey: NodePublic
  readonly SrcNode: number
  readonly SSHUser: string
  readonly LocalUser: string
  readonly RecordingAttempts: readonly (SSHRecordingAttempt | null)[] | null
}

/** Codec of {@link SSHEventNotifyRequest}. */
export const sshEventNotifyRequest: Codec<SSHEventNotifyRequest> = struct<SSHEventNotifyRequest>({
  EventType: always(int),
  ConnectionID: always(text),
  CapVersion: always(int),
  NodeKey: always(nodeKey),
  SrcNode: always(int),
  SSHUser: always(text),
  LocalUser: always(text),
  RecordingAttempts: always(list(pointer(sshRecordingAttempt))),
})
