// SPDX-License-Identifier: Apache-2.0

/**
 * What official clients are expected to do when the server lies. They hold, unless a lie is named here. SECURITY.md
 * has this list as a table, made by {@link expectationTable}; a test compares the two.
 *
 * @module
 */

/** One lie that official clients fall for. */
export interface DoesNotHold {
  /** The rows of the matrix, without their prefix. */
  readonly rows: readonly string[]
  /** How the lie is called in the table. */
  readonly lie: string
  /** Which ages; all unless told otherwise. */
  readonly only?: 'new' | 'old'
  /** Whether packets of the server's node pass the filter, where the row depends on it. */
  readonly passes?: boolean
  /** What the official client does, and by which mechanism. */
  readonly official: string
  /** What our node does instead. */
  readonly ours: string
}

const PEER_API = 'peers: a node that needs no signature because it offers peer APIs only'

/** A lie in a whole map and in a delta. */
function both(name: string): readonly string[] {
  return [`${name} (full)`, `${name} (delta)`]
}

/** All of them. */
export const doesNotHold: readonly DoesNotHold[] = [
  {
    rows: both('peers: a rotation forged under a wrapping key of small order'),
    lie: 'forges a rotation of a node that was signed without a rotation key',
    official:
      "admits and answers the server's node: 32 zero bytes stand for the key, a point of small order, and Go's Ed25519 does not refuse what anybody can sign under it",
    ours: 'refuses the rotation, keeps the node it was forged for',
  },
  {
    rows: [`${PEER_API} (full)`],
    lie: 'marks its own node `UnsignedPeerAPIOnly`, in a whole map',
    passes: false,
    official:
      'admits it and shakes hands with it: peers so marked are exempt from the lock by design. If the packet filter lets them pass, the client closes it, for all peers',
    ours: 'wants a signature from every peer, and passes nobody for that mark',
  },
  {
    rows: [`${PEER_API} (delta)`],
    lie: 'marks its own node `UnsignedPeerAPIOnly`, in a delta',
    only: 'old',
    passes: false,
    official: 'does the same',
    ours: 'does the same as in a whole map',
  },
  {
    rows: [`${PEER_API} (delta)`],
    lie: 'marks its own node `UnsignedPeerAPIOnly`, in a delta',
    only: 'new',
    passes: true,
    official:
      'admits it, and answers its packets wherever the packet filter allows them: whether the filter lets an unsigned peer pass is looked at when the filter changes, not when such a peer comes',
    ours: 'does the same as in a whole map',
  },
  {
    rows: ["peers: an owner's node without its signature (delta)"],
    lie: 'shows a signed node again without its signature, in a delta',
    official:
      'keeps the old signature: the difference that it makes of the two records cannot say that a member is gone. The key was signed, so nobody new comes in',
    ours: 'drops the peer until it is shown with a signature',
  },
  {
    rows: both("peers: a second node with an owner's key and signature, at the server's address"),
    lie: "shows a second node with an owner's key and signature at another address",
    official:
      'takes both records for peers. Development builds of 1.103 end here: `public key moved between nodeIDs`',
    ours: 'refuses the second and names it in `signet lock status`',
  },
  {
    rows: ['rotations: the old key beside the new one (delta)'],
    lie: 'brings a replaced key back beside the new one, by a delta',
    only: 'new',
    official: 'admits it: peers of a delta are judged alone, without the rotations of the others',
    ours: 'runs the whole filter for every change',
  },
  {
    rows: [
      'rotations: the old key alone, after the new one was seen',
      'rotations: an older rotation alone, after a newer one was seen',
    ],
    lie: 'shows a replaced key in place of the new one, from the next map on',
    official: 'admits it: nothing is remembered of rotations that were in an earlier map',
    ours: 'remembers rotations on disk and refuses the older key',
  },
  {
    rows: ['restart: nothing is said of the lock to a client whose stored lock is damaged'],
    lie: 'says nothing of the lock to a client whose stored lock cannot be opened',
    official:
      'runs without a lock and admits everybody: a failure to open the store is logged, and is then the same as no lock',
    ours: 'refuses all peers and says why',
  },
  {
    rows: ['first contact: there is no lock'],
    lie: 'says to a new client that there is no lock',
    official: 'believes it: a client cannot be told beforehand which lock to expect',
    ours: 'refuses all peers if it was given `--pin`; believes it otherwise',
  },
  {
    rows: ['first contact: another genesis'],
    lie: 'shows a lock of its own making to a new client',
    official: 'trusts it, for the same reason',
    ours: 'refuses it if it was given `--pin`; otherwise warns, with a fingerprint to compare',
  },
  {
    rows: ['first contact: the lock is on, its genesis is withheld'],
    lie: 'says to a new client that the lock is on, and withholds its genesis',
    official: 'admits everybody meanwhile: without an authority nothing is filtered',
    ours: 'refuses all peers until it has the authority',
  },
  {
    rows: ['first contact: the lock is on, clients need not know of it'],
    lie: 'says that the lock is on, and leaves out the capability that lets clients look at it',
    official: 'ignores the lock and admits everybody: the capability comes from the same server',
    ours: 'does not ask for it',
  },
  {
    rows: [
      'history: a known update with a signature repeated',
      'history: a known update with its signatures turned around',
    ],
    lie: 'gives a known update another name, by repeating a signature or turning two around',
    official:
      'follows it if its hash is lower, and what came after is undone, the removal of a key for instance: the hash of an update covers its signatures, and ties are decided by the hash',
    ours: 'refuses it with a warning',
  },
  {
    rows: [
      'history: a known update with the vote of the removed key added',
      'history: a sibling of an old update by the removed key',
      'history: a known update turned around, and one by the removed key after it',
    ],
    lie: 'undoes the removal of a stolen key, with its thief',
    official:
      'follows an update that the removed key has signed beside those in force, and trusts that key again',
    ours: 'refuses what a removed key signs beside what is in force, with a warning',
  },
  {
    rows: ["init: a node of the server's is among those to be signed"],
    lie: 'names a node of its own among those that whoever starts a lock has to sign',
    official: 'signs it: every key that the server names is signed',
    ours: 'signs its peers only, and refuses to begin when others are named',
  },
  {
    rows: ["init: a node's rotation key is the server's"],
    lie: 'names a key of its own as the one by which a node may renew itself',
    official: 'signs that, too; nothing shows it afterwards',
    ours: 'signs that, too; the node concerned says so in `signet status`',
  },
]

/** Returns the expectation for a row, undefined when it is to hold. */
export function expectedBreach(row: string, age: 'new' | 'old'): DoesNotHold | undefined {
  return doesNotHold.find(
    ({ rows, only }) => rows.includes(row) && (only === undefined || only === age),
  )
}

const AGES = { new: '1.103 only', old: '1.90 only' } as const

/** Returns the list as a table. */
export function expectationTable(): string {
  const lines = doesNotHold.map(({ lie, only, official, ours }) => {
    const age = only === undefined ? '' : ` (${AGES[only]})`
    return `| ${lie}${age} | ${official} | ${ours} |`
  })
  return ['| the server | an official client | our node |', '|---|---|---|', ...lines].join('\n')
}
