// SPDX-License-Identifier: Apache-2.0

/**
 * The one error of this package.
 *
 * @module
 */

/** Why the authority refused. These strings are API: never renamed, never reused. */
export type TkaErrorCode =
  // Bytes and text
  /** Bytes are not an update, a state or a signature. The cause says where. */
  | 'malformed'
  /** Text is not the 52 base32 characters of an update's hash. */
  | 'bad-hash-text'
  /** Text is not what it should be: a disablement secret, a wrapped key, a link. */
  | 'bad-text'
  // What is well-formed
  /** The key is of a kind that nobody can verify with. */
  | 'unknown-key-kind'
  /** Votes are not 1 to 4096. */
  | 'bad-votes'
  /** Metadata of a key exceeds 512 bytes. */
  | 'meta-too-big'
  /** A field that this kind of update needs is absent. */
  | 'missing-field'
  /** A field that this kind of update must not have is present. */
  | 'unexpected-field'
  /** The parent is written as no bytes at all, which is not how absence is written. */
  | 'empty-parent'
  /** A signature entry has a key id or a signature of the wrong length. */
  | 'bad-signature-shape'
  /** A checkpoint's state is refused: hash present, or a list is empty, too long or repeats. */
  | 'bad-state'
  // Verification and application
  /** An update that has to follow another names none. */
  | 'no-parent'
  /** The update follows another update than the one that the state is at. */
  | 'wrong-parent'
  /** Nobody signed. */
  | 'unsigned'
  /** A signature names a key that is not trusted in the state. */
  | 'untrusted-key'
  /** A signature does not verify. One of many is enough. */
  | 'bad-signature'
  /** The update removes the only trusted key. */
  | 'last-key'
  /** The checkpoint belongs to another authority. */
  | 'wrong-state-id'
  /** The key to add is trusted already. */
  | 'key-exists'
  /** The key to change or remove is not trusted. */
  | 'unknown-key'
  /** The authority has as many keys as a checkpoint holds. */
  | 'too-many-keys'
  // Chains and stores
  /** There is nothing to open. */
  | 'empty-store'
  /** The store holds unrelated chains, and nothing says which one is ours. */
  | 'ambiguous-chain'
  /** An update is not in the store. */
  | 'unknown-update'
  /** A stored update's parent, needed to compute a state, is not in the store. */
  | 'missing-parent'
  /** The chain starts with an update that nothing can start with. */
  | 'bad-genesis'
  /** To start an authority the store has to be empty. */
  | 'store-not-empty'
  /** No updates were given. */
  | 'empty-batch'
  /** Two authorities share no update that both still have. */
  | 'no-intersection'
  /** The official implementation's scan limit is reached; only with `officialLimits`. */
  | 'official-limit'
  /** The authority moved while an update was being built. */
  | 'head-moved'
  /** Revoking these keys would leave none. */
  | 'revokes-all-keys'
  /** The key has signed this already. */
  | 'already-signed'
  /** No update may become the oldest. Nothing was forgotten. */
  | 'cannot-compact'
  /** One key has signed an update twice, which gives it another name. Only where history is guarded. */
  | 'repeated-signature'
  /** A known update by another name, that would undo what followed or leads nowhere. Likewise. */
  | 'renamed-update'
  /** A key that is no longer trusted would undo what is in force, its own removal for instance. Likewise. */
  | 'removed-signer'
  /** An option is outside its range. */
  | 'bad-option'
  /** The stored chain is missing where one should be. Fail closed. */
  | 'store-missing'
  /** The stored chain is damaged. Fail closed. */
  | 'store-damaged'
  /** The store could not be written; what it holds in memory is unchanged. */
  | 'store-write'
  // Node-key signatures
  /** The signature is longer than any that could be made. */
  | 'signature-too-large'
  /** The signature is as deep as can be decoded, and cannot be trimmed. */
  | 'signature-too-deep'
  /** Bytes are not a node-key signature. */
  | 'signature-malformed'
  /** The layers do not fit together, or one lacks what its kind needs. */
  | 'signature-structure'
  /** A credential stands where a node key has to be named. */
  | 'signature-credential'
  /** The signature is for another node key. */
  | 'signature-node-key'
  /** The wrapping key is a point of small order: anyone could sign for it. */
  | 'signature-wrapping-key'
  /** A layer's signature does not verify. */
  | 'signature-invalid'
  /** The key that signed is not trusted. */
  | 'signature-untrusted'

/** Thrown by everything in this package, for every refusal. */
export class TkaError extends Error {
  override readonly name = 'TkaError'
  readonly code: TkaErrorCode
  constructor(code: TkaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
