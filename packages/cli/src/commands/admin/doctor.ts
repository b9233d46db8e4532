// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin doctor`: reads what the server says about its nodes, keys, lock and certificate, and points at
 * what is likely to hurt.
 *
 * @module
 */

import type {
  AdminCertificate,
  AdminLock,
  AdminNode,
  AdminRelay,
  AdminUser,
  PreAuthKey,
} from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { adminClient, printJson, takeArguments } from './connect.ts'
import { certificateFindings, certificateLine } from './certificate-findings.ts'
import { relayFindings } from './relay-findings.ts'

/** One thing that the doctor found. */
export interface Finding {
  readonly level: 'warning' | 'note'
  readonly text: string
  readonly advice: string
}

/** What the doctor looks at. */
export interface Patient {
  readonly users: readonly AdminUser[]
  readonly nodes: readonly AdminNode[]
  readonly keys: readonly PreAuthKey[]
  readonly lock: AdminLock
  readonly relay: AdminRelay
  readonly certificate: AdminCertificate
  /** Milliseconds since 1970. */
  readonly now: number
}

const soon = 7 * 86_400_000

/** Runs `admin doctor`. Exit code 1 when there is a warning. */
export async function run(context: CommandContext): Promise<number> {
  takeArguments(context, 0)
  const client = adminClient(context)
  const [users, nodes, keys, lock, acks, relay, certificate] = await Promise.all([
    client.users(),
    client.nodes(),
    client.keys(),
    client.lock(),
    client.acks(),
    client.relay(),
    client.certificate(),
  ])
  const states = new Map(acks.map((ack) => [ack.node, ack.state]))
  const findings = examine({
    users,
    // Of a node's own list entry nobody can tell that it refuses.
    nodes: nodes.map((node) => ({
      ...node,
      lock: { ...node.lock, state: states.get(node.id) ?? node.lock.state },
    })),
    keys,
    lock,
    relay,
    certificate,
    now: context.io.now(),
  })
  const { io, flags } = context
  const hasWarning = findings.some(({ level }) => level === 'warning')
  if (flags.switch('json')) {
    printJson(context, { findings, certificate })
    return hasWarning ? 1 : 0
  }
  io.out(certificateLine(certificate))
  if (findings.length === 0) io.out('Nothing found.\n')
  else for (const { level, text, advice } of findings) io.out(`${level}: ${text}\n    ${advice}\n`)
  return hasWarning ? 1 : 0
}

/** Returns what is likely to hurt. */
export function examine(patient: Patient): Finding[] {
  return [
    ...ownerFindings(patient),
    ...lockFindings(patient),
    ...expiryFindings(patient),
    ...keyFindings(patient),
    ...relayFindings(patient.relay),
    ...certificateFindings(patient.certificate, patient.now),
  ]
}

function ownerFindings({ users }: Patient): Finding[] {
  if (users.some((user) => user.role === 'owner')) return []
  return [
    {
      level: 'warning',
      text: 'no user is the owner, so nobody may start or change the lock',
      advice: 'Run "signet admin users role NAME owner".',
    },
  ]
}

function lockFindings({ lock, nodes }: Patient): Finding[] {
  if (!lock.enabled) {
    return [
      {
        level: 'note',
        text: 'the tailnet lock is off: nodes trust this server about who belongs to the tailnet',
        advice: 'Run "signet lock init" on a node of an owner or admin.',
      },
    ]
  }
  const findings: Finding[] = []
  if ((lock.trustedKeys ?? []).length === 1) {
    findings.push({
      level: 'warning',
      text: 'one trusted key only: when its node is lost, nothing can be signed any more',
      advice: 'Run "signet lock add KEY" with the key of a second node.',
    })
  }
  if (lock.secrets === 1) {
    findings.push({
      level: 'note',
      text: 'one disablement secret only: when it is lost, the lock can never be switched off',
      advice: 'Keep copies of it in two places, away from the nodes.',
    })
  }
  for (const text of lock.warnings ?? []) {
    findings.push({
      level: 'warning',
      text,
      advice:
        'Plan it now: every node follows by itself, but nodes that are away follow when they return.',
    })
  }
  findings.push(...signatureFindings(nodes))
  const behind = nodes.filter(
    (node) => node.online && !['off', 'in-sync'].includes(node.lock.state),
  )
  if (behind.length > 0) {
    findings.push({
      level: 'warning',
      text: `online, but not at the current head: ${behind.map((node) => `${node.name} (${node.lock.state})`).join(', ')}`,
      advice: 'Run "signet admin lock acks", which says of each what it means.',
    })
  }
  return findings
}

/** Signatures under which a node still works. */
const working: readonly string[] = ['valid', 'cannot-self-rotate', 'off']

function signatureFindings(nodes: readonly AdminNode[]): Finding[] {
  const findings: Finding[] = []
  const unsigned = nodes.filter((node) => !working.includes(node.lock.signature))
  if (unsigned.length > 0) {
    findings.push({
      level: 'warning',
      text: `locked out: ${unsigned.map((node) => `${node.name} (${node.lock.signature})`).join(', ')}`,
      advice: 'Run "signet lock" on each and the command shown there on a signer.',
    })
  }
  const stuck = nodes.filter((node) => node.lock.signature === 'cannot-self-rotate')
  if (stuck.length > 0) {
    findings.push({
      level: 'note',
      text: `cannot sign their own next key: ${stuck.map((node) => node.name).join(', ')}`,
      advice:
        'When their key expires, sign them again, or log them in with a pre-signed key. To change it now, sign each with both keys.',
    })
  }
  return findings
}

function expiryFindings({ nodes, now }: Patient): Finding[] {
  const expiring = nodes.filter(
    (node) => node.expiry !== null && Date.parse(node.expiry) < now + soon,
  )
  if (expiring.length === 0) return []
  return [
    {
      level: 'note',
      text: `node keys expired or within a week of it: ${expiring.map((node) => node.name).join(', ')}`,
      advice: 'Run "signet up --force-reauth" on each.',
    },
  ]
}

function keyFindings({ keys, now }: Patient): Finding[] {
  const open = keys.filter((key) => key.reusable && key.revokedAt === null && stillValid(key, now))
  if (open.length === 0) return []
  return [
    {
      level: 'note',
      text: `reusable pre-auth keys in force: ${open.map((key) => key.id).join(', ')}`,
      advice: 'Run "signet admin keys revoke ID" for those that are no longer needed.',
    },
  ]
}

function stillValid(key: PreAuthKey, now: number): boolean {
  return key.expiresAt === null || Date.parse(key.expiresAt) > now
}
