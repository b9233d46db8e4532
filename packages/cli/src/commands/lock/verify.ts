// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock verify`: replays an exported chain from its first update, with nothing taken on
 * trust but that update. A fingerprint (`--pin`) takes away even that.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import {
  aumHash,
  aumHashText,
  bootstrapAuthority,
  createMemoryStore,
  decodeAum,
  informAuthority,
  TkaError,
  type Aum,
  type Authority,
} from '@signet/tka'
import type { CommandContext } from '../../command.ts'
import { CliError, reasonOf } from '../../errors.ts'
import { readSecret } from '../../secret-argument.ts'
import { parseFingerprint } from './fingerprint-text.ts'
import { keyText, parseUrlBase64 } from './texts.ts'

/** Runs `lock verify`. */
export async function run({ io, flags, args }: CommandContext): Promise<void> {
  const [argument] = args
  if (argument === undefined || args.length !== 1) {
    throw new CliError('usage', 'usage: signet lock verify <file>')
  }
  const source = argument === '-' || argument.startsWith('file:') ? argument : `file:${argument}`
  const chain = readChain(await readSecret(source, 'the exported chain', io))
  const pin = flags.text('pin')
  const authority = verifyChain(chain, pin === '' ? undefined : parseFingerprint(pin))
  const keys = authority.state.keys ?? []
  const [genesis] = chain
  const report = {
    Verified: true,
    Fingerprint: genesis === undefined ? '' : aumHashText(aumHash(genesis)),
    Head: aumHashText(authority.head),
    Updates: chain.length,
    TrustedKeys: keys.map((key) => keyText(key.public ?? new Uint8Array())),
  }
  if (flags.switch('json')) {
    io.out(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  io.out(`Verified ${report.Updates} update${report.Updates === 1 ? '' : 's'}.\n`)
  io.out(
    `Fingerprint: ${report.Fingerprint}${pin === '' ? ' (not compared: give --pin)' : ' (as pinned)'}\n`,
  )
  io.out(`Head:        ${report.Head}\n`)
  io.out('Trusted signing keys:\n')
  for (const [index, key] of report.TrustedKeys.entries()) {
    io.out(`\t${key}\t${keys[index]?.votes ?? 0n}\n`)
  }
}

/** Reads `lock log --json` and returns the updates, oldest first. @throws CliError bad-input */
export function readChain(text: string): Aum[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new CliError('bad-input', 'Cannot read the chain: not JSON', { cause })
  }
  const messages: unknown = isObject(parsed) ? parsed['Messages'] : undefined
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new CliError('bad-input', 'Cannot read the chain: no updates in it', {
      hint: 'The file is what "signet lock log --limit 0 --json" prints.',
    })
  }
  return messages.map(readMessage).reverse()
}

function readMessage(message: unknown, index: number): Aum {
  const where = `Cannot read update ${index + 1} from the top`
  const raw: unknown = isObject(message) ? message['Raw'] : undefined
  if (typeof raw !== 'string') throw new CliError('bad-input', `${where}: it has no Raw bytes`)
  try {
    return decodeAum(parseUrlBase64(raw))
  } catch (cause) {
    throw new CliError('bad-input', `${where}: ${reasonOf(cause)}`, { cause })
  }
}

/** Replays a chain, oldest first. @throws CliError failed when any update does not follow from those before it */
export function verifyChain(chain: readonly Aum[], pin: string | undefined): Authority {
  const [genesis, ...rest] = chain
  if (genesis === undefined) throw new CliError('bad-input', 'Cannot verify the chain: it is empty')
  const first = aumHashText(aumHash(genesis))
  if (pin !== undefined && !first.startsWith(pin)) {
    throw new CliError('failed', `Refused: the chain begins with ${first}, expected ${pin}`)
  }
  if (genesis.prev !== null && genesis.prev.length > 0) {
    throw new CliError(
      'bad-input',
      `Cannot verify the chain: its oldest update ${first} is not the first`,
      {
        hint: 'Export the whole chain with "signet lock log --limit 0 --json".',
      },
    )
  }
  const store = createMemoryStore({ now: () => 0 })
  let at = first
  try {
    let authority = bootstrapAuthority(store, genesis)
    for (const update of rest) {
      at = aumHashText(aumHash(update))
      if (update.prev === null || toHex(update.prev) !== authority.head) {
        throw new CliError('failed', `Refused: update ${at} does not follow the one before it`)
      }
      authority = informAuthority(authority, store, [update])
    }
    return authority
  } catch (cause) {
    if (!(cause instanceof TkaError)) throw cause
    throw new CliError('failed', `Refused: update ${at}: ${cause.message}`, { cause })
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
