// SPDX-License-Identifier: Apache-2.0

/**
 * `npm run e2e:mutants [-- WORDS OF ONE CHECK]`: takes one check after the other out of a copy of the code, runs the hostile suite on the copy,
 * and demands that it fails. A lie whose test passes without the check would prove nothing.
 *
 * @module
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Mutant {
  /** The check that is taken out. */
  readonly check: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

const filter = 'packages/tka/src/netmap-filter.ts'
const signature = 'packages/tka/src/verify-node-signature.ts'
const gate = 'packages/node/src/lock/gate.ts'
const sync = 'packages/node/src/lock/sync.ts'
const keeper = 'packages/node/src/lock/keeper.ts'
const undoRule = 'packages/tka/src/undo-rule.ts'
const guarded = 'packages/tka/src/guarded-inform.ts'
const commands = 'packages/node/src/lock/commands.ts'

const mutants: readonly Mutant[] = [
  {
    check: 'a peer has to be signed',
    file: filter,
    find: "return 'unsigned'",
    replace: 'return null',
  },
  {
    check: 'peers that offer peer APIs only have to be signed too',
    file: filter,
    find: 'options.allowUnsignedPeerApi && peer.unsignedPeerApiOnly',
    replace: 'peer.unsignedPeerApiOnly !== false',
  },
  {
    check: 'a signature is for this node key',
    file: signature,
    find: "throw refusal('signature-node-key'",
    replace: "void refusal('signature-node-key'",
  },
  {
    check: 'the key behind a signature is trusted',
    file: gate,
    find: 'return untrusted\n',
    replace: 'return verdict\n',
  },
  {
    check: 'signatures verify',
    file: signature,
    find: 'results.every((result) => result)',
    replace: 'results.length >= 0',
  },
  {
    check: 'a credential alone lets nobody in',
    file: signature,
    find: "throw refusal('signature-credential'",
    replace: "void refusal('signature-credential'",
  },
  {
    check: 'wrapping keys of small order are refused',
    file: signature,
    find: 'if (isSmallOrder(wrapping))',
    replace: 'if (wrapping.length === 0)',
  },
  {
    check: 'signatures are bounded in size',
    file: signature,
    find: "throw refusal('signature-too-large'",
    replace: "void refusal('signature-too-large'",
  },
  {
    check: 'a key that a rotation replaced is obsolete',
    file: filter,
    find: "for (const nodeKey of this.#previous) obsolete.set(nodeKey, 'obsolete-key')",
    replace: '',
  },
  {
    check: 'replaced keys are remembered',
    file: 'packages/node/src/lock/rotation.ts',
    find: "return 'replaced-key'",
    replace: 'return undefined',
  },
  {
    check: 'shorter chains than the longest seen are refused',
    file: 'packages/node/src/lock/rotation.ts',
    find: "'older-rotation' : undefined",
    replace: 'undefined : undefined',
  },
  {
    check: "nobody has this node's own key",
    file: gate,
    find: "else if (node.Key === self?.Key) reasons.set(node, 'own-key')",
    replace: '',
  },
  {
    check: 'a key appears once',
    file: gate,
    find: "else if (seen.has(node.Key)) reasons.set(node, 'duplicate-key')",
    replace: '',
  },
  {
    check: 'the lock ends with the right secret only',
    file: sync,
    find: "if (!isRight) return 'The server",
    replace: "if (isRight === undefined) return 'The server",
  },
  {
    check: 'the lock does not end without a secret',
    file: sync,
    find: "    return 'The server says that the lock is off, but shows no secret that ends it'",
    replace: "    keeper.end()\n    return ''",
  },
  {
    check: 'every signature of an update is good',
    file: 'packages/tka/src/verify.ts',
    find: 'if (!verifyZip215(',
    replace: 'if (false && !verifyZip215(',
  },
  {
    check: 'every signer of an update is trusted',
    file: 'packages/tka/src/verify.ts',
    find: 'for (const signature of signatures) verifyAumSignature(signature, digest, state)',
    replace: 'void digest',
  },
  {
    check: 'an update is signed',
    file: 'packages/tka/src/verify.ts',
    find: 'if (signatures === null || signatures.length === 0) {',
    replace:
      'if (signatures === null) return trustStoredAum(aum)\n  if (signatures.length === 0) {',
  },
  {
    check: 'a checkpoint is of the same lock',
    file: 'packages/tka/src/apply.ts',
    find: 'if (stateId1 !== state.stateId1 || stateId2 !== state.stateId2) {',
    replace: 'if (stateId1 < 0n) {',
  },
  {
    check: 'one bad update does not hold back good ones',
    file: 'packages/node/src/lock/take-updates.ts',
    find: 'if (batch.length > 1) {',
    replace: 'if (batch.length < 1) {',
  },
  {
    check: 'a removed key does not undo its removal',
    file: undoRule,
    find: 'const isRecovery = rivals.chosen.kind === AumKind.Checkpoint',
    replace: 'if (stranger !== undefined) return\n  const isRecovery = false',
  },
  {
    check: 'a removed key does not make a known update heavier',
    file: undoRule,
    find: 'if (strangerAmong(rivals.chosen, before) === undefined) return',
    replace: 'return',
  },
  {
    check: 'what is in force is looked at before it is undone',
    file: guarded,
    find: 'checkUndoing(authority, after, draft)',
    replace: '',
  },
  {
    check: 'one key signs an update once',
    file: guarded,
    find: 'if (aums.some(hasRepeatedSignature)) {',
    replace: 'if (aums.length < 0) {',
  },
  {
    check: 'a known update by another name leads somewhere',
    file: guarded,
    find: 'refuseDeadNames(store, draft)',
    replace: '',
  },
  {
    check: 'a new lock is the pinned one',
    file: keeper,
    find: "if (pin !== '' && !matchesPin(pin, hash)) {",
    replace: "if (pin === '?' && !matchesPin(pin, hash)) {",
  },
  {
    check: 'a pinned node waits for its lock',
    file: keeper,
    find: "if (state.kind === 'off' || state.kind === 'left') become(awaitingPin)",
    replace: '',
  },
  {
    check: 'init signs known node keys only',
    file: 'packages/node/src/lock/init.ts',
    find: 'if (!request.signUnknownNodes) refuseUnknown(wanted, options)',
    replace: '',
  },
  {
    check: "the server's head after a change is the change",
    file: commands,
    find: 'if (head !== aumHashText(aumHash(last))) {',
    replace: "if (head === '') {",
  },
  {
    check: 'signatures to renew come from the key that was asked for',
    file: commands,
    find: 'if (!equalBytes(unverifiedAuthorizingKeyId(signature), key)) {',
    replace: 'continue\n          {',
  },
]

const copy = mkdtempSync(join(tmpdir(), 'signet-mutants-'))
let tried = 0
let survivors = 0
try {
  const source = new URL('../..', import.meta.url).pathname
  for (const part of ['package.json', 'SECURITY.md', 'packages', 'e2e', 'node_modules']) {
    execFileSync('cp', ['-a', join(source, part), copy])
  }
  expectResult(0, 'the code as it is')
  const wanted = process.argv[2] ?? ''
  for (const mutant of mutants) if (mutant.check.includes(wanted)) attempt(mutant)
} finally {
  rmSync(copy, { recursive: true })
}
console.log(`${tried - survivors} passed, ${survivors} failed`)
process.exitCode = survivors === 0 ? 0 : 1

function attempt({ check, file, find, replace }: Mutant): void {
  tried++
  const path = join(copy, file)
  const original = readFileSync(path, 'utf8')
  if (original.split(find).length !== 2) {
    survivors++
    console.log(`STALE     ${check}: ${file} no longer has its line once`)
    return
  }
  writeFileSync(
    path,
    original.replace(find, () => replace),
  )
  expectResult(1, check)
  writeFileSync(path, original)
}

/** Runs the suite on the copy; prints which tests noticed. */
function expectResult(expected: 0 | 1, check: string): void {
  const args = ['--test', '--test-reporter=tap', 'e2e/hostile/*.test.ts']
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    timeout: 120_000,
  })
  const failed = [...stdout.matchAll(/^ {4}not ok \d+ - (.*)$/gm)].map((match) => match[1] ?? '')
  const good = expected === 0 ? status === 0 : failed.length > 0
  if (!good) survivors++
  // One that fails as a whole, at its top, has no name here.
  console.log(
    `${good ? 'ok       ' : 'SURVIVED '} ${check}: ${failed.length} tests fail, exit ${status}`,
  )
  for (const name of failed.slice(0, 2)) console.log(`            ${name}`)
}
