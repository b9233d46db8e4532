// SPDX-License-Identifier: Apache-2.0

/**
 * The Tailnet Key Authority: updates, chain, forks, sync, node-key signatures.
 *
 * @module
 */

// Keys, states, updates
export { keyId, KeyKind, validateKey, type Key } from './key.ts'
export { EMPTY_STATE, findKey, hasKey, stateIdText, type State } from './state.ts'
export {
  aumHashBytes,
  aumHashFromBytes,
  aumHashText,
  AumKind,
  aumKindText,
  aumParent,
  EMPTY_AUM,
  parseAumHash,
  type Aum,
  type AumHash,
  type AumLink,
  type AumSignature,
} from './aum.ts'
export { aumHash, aumSigHash, decodeAum, encodeAum, encodeState } from './aum-codec.ts'

// From an update that anybody may have sent to the next state
export { validateAum, validateCheckpointState } from './validate.ts'
export {
  trustStoredAum,
  verifyAum,
  verifyAumSignature,
  type VerifiedAum,
  type VerifyOptions,
} from './verify.ts'
export { applyAum, previewAum } from './apply.ts'
export { aumWeight, chooseFork } from './fork-choice.ts'

// The authority and its store
export {
  bootstrapAuthority,
  informAuthority,
  openAuthority,
  verifyGenesis,
  type Authority,
} from './authority.ts'
export { informGuarded, openGuarded } from './guarded-inform.ts'
export { checkUndoing } from './undo-rule.ts'
export { hasRepeatedSignature, isRenamed } from './renamed.ts'
export { stateAt, type ChainOptions } from './chain.ts'
export { ActiveChain, type ChainLink, type ChainStep } from './active-chain.ts'
export type { AumStore, StoredAum } from './store.ts'
export { draftOn, type DraftAumStore } from './draft-store.ts'
export { createMemoryStore, type MemoryStoreOptions } from './memory-store.ts'
export { createLogStore, openLogStore, type LogFile, type LogStoreOptions } from './log-store.ts'
export {
  openProfileStore,
  readProfileEntry,
  readProfileHint,
  scanProfile,
  type ProfileDirectory,
  type ProfileEntry,
  type ProfileFile,
  type ProfileStoreOptions,
} from './profile-dir.ts'

// Sync and compaction
export {
  missingAums,
  parseSyncOffer,
  syncIntersection,
  syncOffer,
  syncOfferText,
  type SyncIntersection,
  type SyncOffer,
  type SyncOfferText,
} from './sync.ts'
export { compactAuthority, type CompactionOptions } from './compact.ts'

// Making changes
export { signAum, type LockSigner } from './sign.ts'
export { createGenesis, stateIdsFromBytes } from './genesis.ts'
export { createUpdateBuilder, type UpdateBuilder } from './update.ts'
export {
  cosignAum,
  makeRecoveryAum,
  recoveryStanding,
  type RecoveryStanding,
  type RevocationOptions,
} from './recovery.ts'
export {
  checkDisablement,
  disablementSecretText,
  disablementValue,
  parseDisablementSecret,
} from './disablement.ts'

// Limits and errors
export {
  CHECKPOINT_EVERY,
  COMPACTION_MIN_AGE,
  COMPACTION_MIN_CHAIN,
  DISABLEMENT_LENGTH,
  MAX_DISABLEMENT_VALUES,
  MAX_KEYS,
  MAX_META_BYTES,
  MAX_VOTES,
  OFFICIAL_HEAD_WALK,
  OFFICIAL_SCAN_LIMIT,
} from './limits.ts'
export { TkaError, type TkaErrorCode } from './errors.ts'

// Node-key signatures: structure, text, making, verifying
export {
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  innermostSignature,
  nodeKeySigHash,
  parseSignedNodeKey,
  SigKind,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingPublic,
  type NodeKeySignature,
} from './node-signature.ts'
export { nodeKeySignatureText, sigKindText } from './node-signature-text.ts'
export { MAX_NODE_SIGNATURE_BYTES, MAX_NODE_SIGNATURE_LEVELS } from './node-signature-limits.ts'
export {
  resignNodeKey,
  signNodeKey,
  trimRotations,
  type ResignNodeKeyOptions,
  type SignNodeKeyOptions,
} from './rotate.ts'
export {
  createCredential,
  parseWrappedAuthKey,
  signByCredential,
  wrapAuthKey,
  type Credential,
  type ParsedAuthKey,
  type SignByCredentialOptions,
} from './credential.ts'
export { indexTrustedKeys, type TrustedKeys } from './trusted-keys.ts'
export {
  authorizeNodeKey,
  authorizeProof,
  claimNodeKey,
  proveClaim,
  proveNodeKey,
  verifySignatureCheck,
  type NodeKeyAuthorization,
  type NodeKeyClaim,
  type NodeKeyProof,
  type RotationDetails,
  type SignatureCheck,
  type SignatureVerifier,
} from './verify-node-signature.ts'
export {
  dropReason,
  filterNetmap,
  RotationTracker,
  type DroppedPeer,
  type FilteredPeers,
  type LockPeer,
  type NetmapFilterOptions,
  type PeerDropReason,
  type PeerVerdict,
} from './netmap-filter.ts'
export {
  newDeeplink,
  validateDeeplink,
  type DeeplinkFields,
  type DeeplinkVerdict,
} from './deeplink.ts'
