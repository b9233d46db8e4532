// SPDX-License-Identifier: Apache-2.0

/**
 * Registration: which key this node asks to be known by, and what proves that it may.
 *
 *     ask ── done
 *      ├── here is the signature of your old key: wrap it, ask again
 *      ├── your key has expired: a new key, ask again
 *      └── let the user open this address: wait for the outcome, with the same key
 *
 * Unlike official nodes, one login uses one new key however often an answer gets lost on the way,
 * so that the server does not collect ghosts.
 *
 * @module
 */

import {
  generateNodeKey,
  lockPublicOf,
  lockSigner,
  nodePublicOf,
  zeroNodePublic,
  type LockPrivate,
  type NodePrivate,
  type NodePublic,
} from '@signet/keys'
import {
  encodeRegisterRequest,
  NO_TIME,
  parseRegisterResponse,
  wireTime,
  type Hostinfo,
  type RegisterRequest,
  type RegisterResponse,
} from '@signet/protocol'
import {
  decodeNodeKeySignature,
  parseSignedNodeKey,
  parseWrappedAuthKey,
  resignNodeKey,
  signByCredential,
} from '@signet/tka'
import { sleep, withDeadline, type Clock } from '../clock.ts'
import { NodeError, reasonOf } from '../errors.ts'
import {
  callMs,
  followupStepMs,
  maxErrorTextChars,
  maxReplyBytes,
  maxVisitChars,
} from '../limits.ts'
import { createBackoff } from './backoff.ts'
import { readReply, refuse, type ControlLink } from './link.ts'

/** What a login begins with. */
export type LoginRequest = {
  /** The key this node has; null before the first login. */
  readonly nodeKey: NodePrivate | null
  /** The key before, while the server may still know the node by it. */
  readonly oldNodeKey: NodePrivate | null
  readonly lockKey: LockPrivate
  /** Plain or wrapped, '' for none. */
  readonly authKey: string
  /** Whether a new key is wanted although there is one. */
  readonly renew: boolean
  readonly ephemeral: boolean
  readonly hostinfo: Hostinfo
}

/** What a login comes to. */
export type LoginResult = {
  readonly nodeKey: NodePrivate
  readonly oldNodeKey: NodePrivate | null
  readonly login: { readonly id: number; readonly loginName: string; readonly displayName: string }
}

/** What registration needs. */
export type RegisterOptions = {
  readonly link: ControlLink
  readonly clock: Clock
  readonly capability: number
  /** Called when a user has to open an address. */
  readonly onVisit: (url: string) => void
  readonly signal: AbortSignal
}

/** One login, from the first question to the answer, however many attempts it takes. */
export type Login = {
  /**
   * Asks until there is an answer. After an error it may be called again and goes on with the same
   * new key.
   *
   * @throws NodeError control-refused with the server's words, control-rate-limited,
   *   control-unreachable, control-protocol
   */
  attempt(): Promise<LoginResult>
}

/** Begins a login. */
export function createLogin(request: LoginRequest, options: RegisterOptions): Login {
  const { lockKey, hostinfo, ephemeral } = request
  const { authKey, credential } = parseWrappedAuthKey(request.authKey)
  /** The key that a new one replaces. */
  let old = request.nodeKey === null ? null : request.oldNodeKey
  let current = request.nodeKey
  let fresh = current === null
  let followup = ''
  /** The server's copy of the old key's signature, once it has shown it. */
  let oldSignature: Uint8Array | null = null

  const renew = (): void => {
    if (fresh) return
    old = current
    current = generateNodeKey()
    fresh = true
  }
  if (current === null) current = generateNodeKey()
  if (request.renew) renew()

  const signatureFor = (nodeKey: NodePublic): Uint8Array | null => {
    if (oldSignature && old) {
      return resignNodeKey({ nodeKey, old: oldSignature, signer: lockSigner(lockKey) })
    }
    if (!credential) return null
    return signByCredential({ nodeKey, credential, rotationPublic: lockPublicOf(lockKey) })
  }

  const message = (key: NodePrivate): RegisterRequest => {
    const nodeKey = nodePublicOf(key)
    return {
      Version: options.capability,
      NodeKey: nodeKey,
      OldNodeKey: old ? nodePublicOf(old) : zeroNodePublic,
      NLKey: lockPublicOf(lockKey),
      ...(authKey !== '' && { Auth: { AuthKey: authKey } }),
      Expiry: NO_TIME,
      Followup: followup,
      Hostinfo: hostinfo,
      ...(ephemeral && { Ephemeral: true }),
      NodeKeySignature: signatureFor(nodeKey),
    }
  }

  return {
    async attempt() {
      let hasExpired = false
      const backoff = createBackoff(() => 0.5, followupStepMs)
      for (;;) {
        const key = (current ??= generateNodeKey())
        const response = await register(message(key), options)
        const shown = response.NodeKeySignature
        const isSignatureShown = shown !== null && shown.length > 0
        if (response.NodeKeyExpired) {
          if (hasExpired) throw protocolError('calls every new node key expired')
          hasExpired = true
          renew()
        }
        if (isSignatureShown) {
          if (oldSignature) throw protocolError('asks for a new signature again and again')
          if (!isSignatureOf(shown, old)) throw protocolError('shows a signature of another node')
          oldSignature = shown
        }
        if (response.NodeKeyExpired || isSignatureShown) continue
        if (response.AuthURL !== '') {
          // A follow-up is answered when a person has acted. A server that answers it with another
          // address each time would keep this node asking, as fast as it can.
          requireAddress(response.AuthURL)
          if (followup !== '') await sleep(options.clock, backoff.next(), options.signal)
          if (response.AuthURL !== followup) options.onVisit(response.AuthURL)
          followup = response.AuthURL
          continue
        }
        const { ID, LoginName, DisplayName } = response.Login
        return {
          nodeKey: key,
          oldNodeKey: old,
          login: {
            id: response.User.ID || ID,
            loginName: LoginName,
            displayName: DisplayName || response.User.DisplayName,
          },
        }
      }
    },
  }
}

function protocolError(how: string): NodeError {
  return new NodeError('control-protocol', `Cannot log in: the server ${how}`)
}

/** Programs open what they are told to; whatever else a scheme may start here is not the server's business. */
function requireAddress(text: string): void {
  const protocol = text.length <= maxVisitChars ? URL.parse(text)?.protocol : undefined
  if (protocol === 'https:' || protocol === 'http:') return
  throw protocolError('names no address for the user to open')
}

/** We sign around what the server shows: only around a signature of our own old key. */
function isSignatureOf(bytes: Uint8Array, old: NodePrivate | null): boolean {
  if (old === null) return false
  try {
    return parseSignedNodeKey(decodeNodeKeySignature(bytes).pubkey) === nodePublicOf(old)
  } catch {
    // Not a signature of anything: as good as none.
    return false
  }
}

/**
 * Tells the server that this node leaves.
 *
 * @throws NodeError
 */
export async function registerLogout(
  keys: { readonly nodeKey: NodePrivate; readonly lockKey: LockPrivate },
  hostinfo: Hostinfo,
  options: RegisterOptions,
): Promise<void> {
  await register(
    {
      Version: options.capability,
      NodeKey: nodePublicOf(keys.nodeKey),
      OldNodeKey: zeroNodePublic,
      NLKey: lockPublicOf(keys.lockKey),
      // The official sign of a logout: a moment long past.
      Expiry: wireTime(123_000),
      Followup: '',
      Hostinfo: hostinfo,
      NodeKeySignature: null,
    },
    options,
  )
}

async function register(
  request: RegisterRequest,
  { link, clock, signal }: RegisterOptions,
): Promise<RegisterResponse> {
  const ask = async (until: AbortSignal): Promise<RegisterResponse> => {
    const reply = await link.request({
      method: 'POST',
      path: '/machine/register',
      body: encodeRegisterRequest(request),
      headers: { 'ts-lb': request.NodeKey },
      signal: until,
    })
    if (reply.status !== 200) return refuse(reply, clock.now)
    return parse(await readReply(reply, maxReplyBytes))
  }
  // A follow-up waits for a person.
  const late = (): Error => new NodeError('timeout', 'No answer to the login')
  const response =
    request.Followup === ''
      ? await withDeadline(clock, callMs, signal, late, ask)
      : await ask(signal)
  if (response.Error !== '')
    throw new NodeError('control-refused', response.Error.slice(0, maxErrorTextChars))
  return response
}

function parse(body: Uint8Array): RegisterResponse {
  try {
    return parseRegisterResponse(body)
  } catch (cause) {
    throw new NodeError('control-protocol', `Cannot read the server's answer: ${reasonOf(cause)}`, {
      cause,
    })
  }
}
