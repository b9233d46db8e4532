// SPDX-License-Identifier: Apache-2.0

/**
 * Control, lock and local-API messages: types, parsers, encoders.
 *
 * @module
 */

// Errors and limits
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export { MAX_JSON_DEPTH, MAX_MAP_FRAME, MAX_NETMAP_ENTRIES } from './limits.ts'

// Messages as tables: any codec below works with these two
export {
  type Codec,
  encodeJson,
  type IntMap,
  type JsonInput,
  parseJson,
  type TextMap,
} from './schema.ts'
export { anyJson, type JsonValue, parseRawJson, type RawJson } from './codecs.ts'
export { jsonBytes } from './json-text.ts'

// Times and addresses
export {
  isNoTime,
  NO_TIME,
  parseWireTime,
  wireTime,
  type WireTime,
  wireTimeMs,
} from './wire-time.ts'
export {
  canonicalAddress,
  canonicalAddressPort,
  canonicalPrefix,
  formatAddress,
  formatPrefix,
  type IpAddress,
  type IpPrefix,
  parseAddress,
  parseAddressPort,
  parsePrefix,
  prefixContains,
} from './ip.ts'

// Registration
export {
  encodeRegisterRequest,
  encodeRegisterResponse,
  type Oauth2Token,
  oauth2Token,
  parseRegisterRequest,
  parseRegisterResponse,
  type RegisterRequest,
  registerRequest,
  type RegisterResponse,
  registerResponse,
  type RegisterResponseAuth,
  registerResponseAuth,
} from './register.ts'
export { type Login, login, type User, user, type UserProfile, userProfile } from './user.ts'

// Network map
export {
  type ClientVersion,
  clientVersion,
  type ControlDialPlan,
  controlDialPlan,
  type ControlIPCandidate,
  controlIpCandidate,
  type Debug,
  debug,
  type DisplayMessage,
  displayMessage,
  type DisplayMessageAction,
  displayMessageAction,
  encodeControlNode,
  encodeMapRequest,
  encodeMapResponse,
  type MapRequest,
  mapRequest,
  type MapResponse,
  mapResponse,
  parseMapRequest,
  parseMapResponse,
  type TKAInfo,
  tkaInfo,
} from './map.ts'
export { type ControlNode, controlNode, type PeerChange, peerChange } from './control-node.ts'
export {
  type Hostinfo,
  hostinfo,
  type Location,
  location,
  type NetInfo,
  netInfo,
  type Service,
  service,
  type TPMInfo,
  tpmInfo,
} from './hostinfo.ts'
export {
  type DERPAdmitClientRequest,
  derpAdmitClientRequest,
  type DERPAdmitClientResponse,
  derpAdmitClientResponse,
  type DERPHomeParams,
  derpHomeParams,
  type DERPMap,
  derpMap,
  type DERPNode,
  derpNode,
  type DERPRegion,
  derpRegion,
} from './derp-map.ts'
export {
  type DNSConfig,
  dnsConfig,
  type DNSRecord,
  dnsRecord,
  type Resolver,
  resolver,
} from './dns.ts'
export {
  type CapGrant,
  capGrant,
  type CapMap,
  capMap,
  type FilterRule,
  filterRule,
  type NetPortRange,
  netPortRange,
  type PortRange,
  portRange,
} from './filter-rule.ts'
export {
  type SSHAction,
  sshAction,
  type SSHEventNotifyRequest,
  sshEventNotifyRequest,
  type SSHPolicy,
  sshPolicy,
  type SSHPrincipal,
  sshPrincipal,
  type SSHRecorderFailureAction,
  sshRecorderFailureAction,
  type SSHRecordingAttempt,
  type SSHRule,
  sshRule,
} from './ssh.ts'
export { type PingRequest, pingRequest, type PingResponse, pingResponse } from './ping.ts'
export { encodeMapFrame, type MapFrameOptions, MapFrameReader } from './map-frame.ts'
export {
  type NetmapChange,
  type NetmapLock,
  type NetmapPart,
  NetmapSession,
  type PeerMutation,
} from './netmap.ts'
export { magicDnsSuffix, sanitizeHostname, withDisplayNames } from './display-name.ts'

// Lock
export {
  parseTka,
  type TKABootstrapRequest,
  tkaBootstrapRequest,
  type TKABootstrapResponse,
  tkaBootstrapResponse,
  type TKACall,
  type TKACaller,
  tkaCalls,
  type TKADisableRequest,
  tkaDisableRequest,
  type TKAEmptyResponse,
  tkaEmptyResponse,
  type TKAInitBeginRequest,
  tkaInitBeginRequest,
  type TKAInitBeginResponse,
  tkaInitBeginResponse,
  type TKAInitFinishRequest,
  tkaInitFinishRequest,
  type TKASignaturesUsingKeyRequest,
  tkaSignaturesUsingKeyRequest,
  type TKASignaturesUsingKeyResponse,
  tkaSignaturesUsingKeyResponse,
  type TKASignInfo,
  tkaSignInfo,
  type TKASubmitSignatureRequest,
  tkaSubmitSignatureRequest,
  type TKASyncOfferRequest,
  tkaSyncOfferRequest,
  type TKASyncOfferResponse,
  tkaSyncOfferResponse,
  type TKASyncSendRequest,
  tkaSyncSendRequest,
  type TKASyncSendResponse,
  tkaSyncSendResponse,
} from './tka-rpc.ts'

// Smaller requests
export {
  type AuditLogRequest,
  auditLogRequest,
  type EarlyNoise,
  earlyNoise,
  type HealthChangeRequest,
  healthChangeRequest,
  type OverTLSPublicKeyResponse,
  overTlsPublicKeyResponse,
  type QueryFeatureRequest,
  queryFeatureRequest,
  type QueryFeatureResponse,
  queryFeatureResponse,
  type SetDeviceAttributesRequest,
  setDeviceAttributesRequest,
  type SetDNSRequest,
  setDnsRequest,
  type TokenRequest,
  tokenRequest,
  type TokenResponse,
  tokenResponse,
  type WebClientAuthResponse,
  webClientAuthResponse,
} from './machine-rpc.ts'
export {
  type C2NPostureIdentityResponse,
  c2nPostureIdentityResponse,
  type C2NSSHUsernamesRequest,
  c2nSshUsernamesRequest,
  type C2NSSHUsernamesResponse,
  c2nSshUsernamesResponse,
  type C2NTLSCertInfo,
  c2nTlsCertInfo,
  type C2NUpdateResponse,
  c2nUpdateResponse,
  type C2NVIPServicesResponse,
  c2nVipServicesResponse,
  type ServiceAction,
  serviceAction,
  type ServiceDetails,
  serviceDetails,
  type VIPService,
  vipService,
} from './c2n.ts'
