// SPDX-License-Identifier: Apache-2.0

/**
 * `npm run e2e:official`: official clients on a Signet server, as a matrix. Says that it was
 * skipped, and exits with 0, where the environment names no official programs.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  officialReleases,
  runToEnd,
  type OfficialRelease,
  type OfficialReleases,
} from '../support/official.ts'
import { runAll, type Runnable } from './runner.ts'
import { DEADLINE_MS, type Part, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { createStage, type Stage } from './stage.ts'
import { renderTable, summary, type Row } from './table.ts'

const USAGE = `npm run e2e:official -- [--list] [--json FILE] [--logs DIR] [--width N] [NAME...]

  NAME         runs scenarios whose name contains it
  --list       lists the scenarios
  --json FILE  writes the matrix there, with whole notes
  --logs DIR   writes what the programs of failed scenarios said there
  --width N    scenarios at once (2)

  SIGNET_TAILSCALED, SIGNET_TAILSCALE          the official programs
  SIGNET_TAILSCALED_OLD, SIGNET_TAILSCALE_OLD  an older age of them`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    json: { type: 'string' },
    logs: { type: 'string' },
    width: { type: 'string', default: '2' },
  },
})
const wanted = scenarios.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
)
const releases = officialReleases(process.env)
if (values.help) {
  say(USAGE)
} else if (values.list) {
  for (const { name, parts, mode } of wanted) say(`${name}  (${parts.join(' + ')}, ${mode})`)
} else if (releases === undefined) {
  say(
    'e2e:official was skipped: SIGNET_TAILSCALED and SIGNET_TAILSCALE do not name official programs.',
  )
} else {
  await play(releases)
}

async function play(programs: OfficialReleases): Promise<void> {
  const labels: Readonly<Record<Part, string>> = {
    new: await versionOf(programs.current),
    old: programs.old === undefined ? 'older' : await versionOf(programs.old),
    signet: 'signet node',
  }
  const stages = new Set<Stage>()
  const clear = async (): Promise<void> => {
    for (const stage of stages) await stage[Symbol.asyncDispose]()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void clear().then(() => process.exit(130)))
  }
  const runnable = (scenario: Scenario): Runnable => ({
    name: scenario.name,
    clients: scenario.parts.map((part) => labels[part]).join(' + '),
    mode: scenario.mode,
    deadlineMs: scenario.deadlineMs ?? DEADLINE_MS,
    unable:
      scenario.parts.includes('old') && programs.old === undefined
        ? 'SIGNET_TAILSCALED_OLD and SIGNET_TAILSCALE_OLD name no older age'
        : scenario.unable?.(),
    known: scenario.known,
    run: async (signal) => {
      const stage = await createStage({
        releases: programs,
        spaces: scenario.mode === 'namespaces' ? scenario.parts.length : 0,
      })
      stages.add(stage)
      const late = Promise.withResolvers<never>()
      const onLate = (): void => late.reject(new Error('too late'))
      signal.addEventListener('abort', onLate)
      try {
        await Promise.race([scenario.run(stage), late.promise])
        return { note: stage.notes.join('; '), findings: stage.findings }
      } catch (error) {
        keepLog(scenario.name, `${String(error)}\n\n${stage.log()}`)
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error([reason, ...stage.notes].join('; '), { cause: error })
      } finally {
        signal.removeEventListener('abort', onLate)
        await stage[Symbol.asyncDispose]()
        stages.delete(stage)
      }
    },
  })
  const rows = await runAll(wanted.map(runnable), Number(values.width), (row, done) =>
    say(
      `[${done}/${wanted.length}] ${row.result} ${row.scenario} ${row.seconds.toFixed(1)} s ` +
        (row.result === 'pass' ? '' : row.note.slice(0, 400)),
    ),
  )
  say(`\n${renderTable(rows)}\n\n${summary(rows)}`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  const failed = rows.length === 0 || rows.some((row: Row) => row.result === 'FAIL')
  process.exit(failed ? 1 : 0)
}

/** '1.103' of '1.103.0-dev20260822'. */
async function versionOf({ tailscaled, label }: OfficialRelease): Promise<string> {
  const { stdout } = await runToEnd(tailscaled, ['--version'])
  return /^\d+\.\d+/.exec(stdout)?.[0] ?? label
}

function keepLog(name: string, text: string): void {
  if (values.logs === undefined) return
  mkdirSync(values.logs, { recursive: true })
  writeFileSync(join(values.logs, `${name.replaceAll(/[^\w-]+/g, '_')}.log`), text)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
