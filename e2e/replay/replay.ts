// SPDX-License-Identifier: Apache-2.0

/**
 * One run, replayed: every request of the recording goes to our server in its order and as its bytes, and what
 * comes back is laid beside what the recording server said.
 *
 * What a person did during the recording is seen in its answers: a followup that was answered was approved
 * or denied, a node whose own record shows an expired key was expired, one whose requests are suddenly
 * unknown was deleted. The same is done here through the admin API.
 *
 * @module
 */

import { generateMachineKey, machinePublicOf } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import type { ControlConnection } from '@signet/ts2021'
import { dial, openStream, send } from './client.ts'
import type { LiveAnswer, LiveStream } from './client.ts'
import { differences } from './compare.ts'
import type { Difference } from './compare.ts'
import { emptyState, merge } from './netmap-state.ts'
import type { NetmapState } from './netmap-state.ts'
import { carryOut, decide, grant } from './operator.ts'
import {
  earlierNodes,
  eventsOf,
  isFollowup,
  isStream,
  nameOf,
  numbersOf,
  registration,
  streamName,
  unrecordedSignatures,
} from './recording.ts'
import { startReplayServer } from './server.ts'
import type { ReplayServer } from './server.ts'
import { settled, turn, within } from './settle.ts'
import { stateDifferences } from './state-differences.ts'
import type { About } from './state-differences.ts'
import { array, isObject, object, showText } from './transcript.ts'
import type { Json, JsonObject, Run, Step, Transcript } from './transcript.ts'
import { reworded, whyWithheld } from './withheld.ts'

/** Something that was compared, and where. */
export interface Finding extends Difference {
  readonly scenario: string
  readonly step: number
  /** What the client had asked. */
  readonly request: JsonObject
  /** What the node that the field is about has said of itself, its last words first. */
  readonly reported: readonly JsonObject[]
  /** Whether that node had joined before the recording began. */
  readonly isEarlier: boolean
  /** What the viewer was told about the lock. */
  readonly lock: Json | undefined
  /** Whether the viewer has tags. */
  readonly isTagged: boolean
  /** Whether the node that the field is about has tags. */
  readonly aboutTagged: boolean
  /** Whether our value is a signature that was made between two recordings. */
  readonly isBetween: boolean
}

/** What a replay says about a difference. */
export interface Judge {
  /** Whether it may be; remembers the reason as used. */
  allows(finding: Finding): boolean
  /** Called for each request that is not sent. */
  withhold(reason: string, step: Step): void
}

/** What was done. */
export interface RunReport {
  readonly sent: number
  readonly compared: number
  readonly findings: readonly Finding[]
  /** What the server logged as an error. */
  readonly errors: readonly string[]
  /** Scenarios in order, with how many of their requests were sent. */
  readonly scenarios: readonly { readonly name: string; readonly sent: number }[]
}

/** How many reports of a node are remembered: some say only a part. */
const REPORTS = 64
/** Longer than the grace of nodes that went away, ephemeral ones included. */
const BETWEEN_SCENARIOS_MS = 75_000
/** No pause of the recording is waited for longer. */
const LONGEST_PAUSE_MS = 60_000

interface Stream {
  readonly step: Step
  readonly live: LiveStream
  readonly recorded: NetmapState
}

/** Replays one run; what comes `afterwards` finds its connections open. */
export async function replayRun(
  run: Run,
  judge: Judge,
  afterwards?: (server: ReplayServer) => Promise<void>,
): Promise<RunReport> {
  await using server = await startReplayServer(run)
  const replay = createReplay(run, server, judge)
  await replay.registerEarlierNodes()
  for (const transcript of run.transcripts) await replay.play(transcript)
  await afterwards?.(server)
  replay.close()
  return replay.report()
}

function createReplay(run: Run, server: ReplayServer, judge: Judge) {
  const { clock, control } = server
  const connections = new Map<string, ControlConnection>()
  const streams = new Map<string, Stream>()
  const held = new Map<Step, Promise<LiveAnswer>>()
  /** Login addresses of the recording, and ours. */
  const addresses = new Map<string, string>()
  const strangers = new Map<string, MachinePrivate>()
  const findings: Finding[] = []
  /** What machines said about themselves; the last first. */
  const reports = new Map<string, JsonObject[]>()
  const earlier = new Set<string>()
  const brought = new Set<string>()
  const scenarios: { name: string; sent: number }[] = []
  let sent = 0
  let compared = 0

  const machineOf = (step: Step): MachinePrivate => {
    const recorded = run.machines.get(step.machineKey)
    if (recorded !== undefined) return recorded
    // A node that keeps nothing on disk leaves no key behind.
    const made = strangers.get(step.machineKey) ?? generateMachineKey()
    strangers.set(step.machineKey, made)
    return made
  }

  const connectionOf = async (step: Step): Promise<ControlConnection> => {
    const name = `${step.conn} ${step.machineKey}`
    const open = connections.get(name)
    if (open !== undefined && !open.closed) return open
    const made = await dial(control, machineOf(step))
    connections.set(name, made)
    return made
  }

  /** What our server made is said in its own words; all other bytes stay. */
  const bodyOf = ({ body }: Step): string | null => {
    let text = body
    for (const [recorded, live] of addresses) text = text?.replaceAll(recorded, live) ?? null
    for (const [recorded, key] of strangers) {
      text = text?.replaceAll(recorded, machinePublicOf(key)) ?? null
    }
    return text
  }

  /** Machines whose keys were not recorded, by the names that they have there. */
  const asRecorded = (text: string): string => {
    for (const [recorded, key] of strangers) {
      text = text.replaceAll(machinePublicOf(key), recorded)
    }
    return text
  }

  const findingOf = (
    step: Step,
    { machine, aboutTagged = false, ...difference }: About,
    state: NetmapState | null = null,
  ): Finding => ({
    ...difference,
    scenario: step.scenario,
    step: step.number,
    request: step.request,
    reported: reports.get(machine ?? '') ?? [],
    aboutTagged,
    isBetween: brought.has(showText(difference.live ?? null)),
    isEarlier: earlier.has(machine ?? ''),
    lock: state?.parts['TKAInfo'],
    isTagged: array(state?.node?.['Tags']).length > 0,
  })

  const report = (step: Step, found: readonly About[], state?: NetmapState): void => {
    compared++
    for (const difference of found) {
      const finding = findingOf(step, difference, state)
      if (!judge.allows(finding)) findings.push(finding)
    }
  }

  /** A node says something about itself. */
  const noteReport = (step: Step): void => {
    const before = reports.get(step.machineKey) ?? []
    reports.set(step.machineKey, [step.request, ...before].slice(0, REPORTS))
  }

  const checkAnswer = (step: Step, answer: LiveAnswer): void => {
    const what = nameOf(step)
    report(step, differences(`${what}.status`, step.status, answer.status))
    if (step.status !== 200 || answer.status !== 200) return
    if (answer.text === '' || step.response === undefined) {
      report(step, differences(`${what}.empty`, step.response === undefined, answer.text === ''))
      return
    }
    const live = JSON.parse(answer.text) as Json
    noteAddress(step, live)
    report(step, differences(what, step.response, live))
  }

  const noteAddress = ({ response }: Step, live: Json): void => {
    if (!isObject(response) || !isObject(live)) return
    const [recorded, ours] = [response['AuthURL'], live['AuthURL']]
    if (
      typeof recorded === 'string' &&
      typeof ours === 'string' &&
      recorded !== '' &&
      ours !== ''
    ) {
      addresses.set(recorded, ours)
    }
  }

  const start = async (step: Step): Promise<void> => {
    if (step.transport === 'plain') return plain(step)
    const reason = whyWithheld(step)
    if (reason !== null) return judge.withhold(reason, step)
    const connection = await connectionOf(step)
    if (isStream(step)) return startStream(step, connection)
    if (step.path.startsWith('/c2n/')) return answerQuestion(step, connection)
    noteReport(step)
    sent++
    const answer = send(connection, step, bodyOf(step))
    if (isFollowup(step)) {
      answer.catch(() => {})
      held.set(step, answer)
      await turn(clock)
      return
    }
    checkAnswer(step, await within(clock, answer, step))
    await sayAgain(step, connection)
    if (step.path === '/machine/map') await grant(server, step)
  }

  /**
   * What our server refuses on purpose is said once as it was recorded, and then in the way that our server
   * asks for, so that what comes after it can be compared.
   */
  const sayAgain = async (step: Step, connection: ControlConnection): Promise<void> => {
    const again = reworded(step)
    if (again === null) return
    const { text } = await within(clock, send(connection, step, again), step)
    const { Error: refused = '' } = object(JSON.parse(text) as Json)
    if (refused !== '')
      throw new Error(`Step ${step.number} of ${step.scenario}: ${showText(refused)}`)
  }

  /** A node answers what the server has asked it, where our server wants the answer. */
  const answerQuestion = async (step: Step, connection: ControlConnection): Promise<void> => {
    const asking = [...streams.values()].filter(
      (stream) => stream.step.machineKey === step.machineKey,
    )
    await settled(clock, () => asking.some(({ live }) => live.pings.length > 0))
    const ping = asking.flatMap(({ live }) => live.pings.splice(0, 1))[0]
    if (ping === undefined) {
      report(step, [{ path: 'c2n', recorded: 'a question', live: undefined }])
      return
    }
    sent++
    const { pathname } = new URL(showText(ping['URL']))
    const answer = await within(
      clock,
      send(connection, { ...step, path: pathname }, step.body),
      step,
    )
    report(step, differences('c2n.status', step.status, answer.status))
  }

  const plain = async (step: Step): Promise<void> => {
    if (step.path.startsWith('/key')) {
      const answer = await fetch(`${control.url}${step.path}`)
      sent++
      report(step, differences('key', step.response, (await answer.json()) as Json))
    } else if (step.path === '/ts2021') {
      await connectionOf(step)
    }
  }

  const startStream = async (step: Step, connection: ControlConnection): Promise<void> => {
    const name = streamName(step)
    const before = streams.get(name)
    if (step.continued && before !== undefined && !before.live.ended()) return
    sent++
    const live = await within(clock, openStream(connection, step, bodyOf(step), asRecorded), step)
    if (live.status !== 200 || step.status !== 200) {
      return checkAnswer(step, { status: live.status, text: live.text })
    }
    streams.set(name, { step, live, recorded: { ...emptyState(), isFromStart: !step.continued } })
    await within(clock, live.first, step)
    const [first] = step.frames
    if (step.continued || first === undefined) return
    const state = { ...emptyState(), isFromStart: true }
    merge(state, first)
    report(step, stateDifferences('first', state, live.state), live.state)
  }

  const finish = async (step: Step): Promise<void> => {
    if (step.path === '/ts2021') {
      connections.get(`${step.conn} ${step.machineKey}`)?.close()
      return
    }
    if (isStream(step)) {
      streams.get(streamName(step))?.live.cancel()
      return
    }
    const answer = held.get(step)
    if (answer === undefined) return
    held.delete(step)
    await decide(server, step, addresses.get(showText(step.request['Followup'])) ?? '')
    checkAnswer(step, await within(clock, answer, step))
  }

  /** At the end every stream has to show what it showed in the recording. */
  const checkStreams = async (transcript: Transcript): Promise<void> => {
    for (const step of transcript.steps) {
      const stream = isStream(step) ? streams.get(streamName(step)) : undefined
      if (stream === undefined) continue
      for (const frame of step.frames) merge(stream.recorded, frame)
      if (step.end !== null || stream.live.ended()) continue
      const { recorded, live } = stream
      const compare = (): About[] => stateDifferences('map', recorded, live.state)
      const isDone = (): boolean =>
        compare().every((found) => judge.allows(findingOf(step, found, live.state)))
      await settled(clock, isDone)
      report(step, compare(), live.state)
    }
  }

  /** A request that gets no answer is a difference like others. */
  const attempt = async (step: Step, act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      const said = error instanceof Error ? error.message : showText(null)
      report(step, [{ path: `${nameOf(step)}.failed`, recorded: undefined, live: said }])
    }
  }

  /** Signatures that somebody made between two recordings. */
  const bringSignatures = async ({ scenario, steps }: Transcript): Promise<void> => {
    const caller = steps.find(isStream)
    if (caller === undefined) return
    for (const signature of missing.get(scenario) ?? []) {
      const body = JSON.stringify({
        Version: 145,
        NodeKey: caller.request['NodeKey'],
        Signature: signature,
      })
      const signing: Step = { ...caller, method: 'GET', path: '/machine/tka/sign', body }
      const connection = await connectionOf(caller)
      const answer = await within(clock, send(connection, signing, body), caller)
      if (answer.status !== 200) throw new Error(`${scenario}: a signature was refused`)
      brought.add(signature)
    }
  }
  const missing = unrecordedSignatures(run)

  return {
    async registerEarlierNodes(): Promise<void> {
      for (const step of earlierNodes(run, numbersOf(run))) {
        const request = registration(run, step)
        const registering: Step = {
          ...step,
          method: 'POST',
          path: '/machine/register',
          request,
          body: JSON.stringify(request),
        }
        earlier.add(step.machineKey)
        const connection = await connectionOf(step)
        const answer = await send(connection, registering, registering.body)
        const { Error: refused } = object(JSON.parse(answer.text) as Json)
        if (refused !== '') throw new Error(`An earlier node cannot join: ${showText(refused)}`)
      }
    },
    async play(transcript: Transcript): Promise<void> {
      await bringSignatures(transcript)
      const before = sent
      let time = 0
      for (const event of eventsOf(transcript)) {
        const at = Math.max(time, Math.round(event.at))
        await clock.advanceAsync(Math.min(at - time, LONGEST_PAUSE_MS))
        time = at
        if (event.act === 'order') await carryOut(server, event.order)
        else
          await attempt(event.step, () =>
            event.act === 'start' ? start(event.step) : finish(event.step),
          )
        await turn(clock)
      }
      await clock.advanceAsync(BETWEEN_SCENARIOS_MS)
      await checkStreams(transcript)
      scenarios.push({ name: transcript.scenario, sent: sent - before })
    },
    close(): void {
      for (const connection of connections.values()) connection.close()
    },
    report: (): RunReport => ({ sent, compared, findings, scenarios, errors: server.errors }),
  }
}
