// SPDX-License-Identifier: Apache-2.0

/** The official names of message types, as the vectors use them, and their codecs here. */

import * as protocol from '../src/index.ts'

/** One type of message. */
export interface MessageType {
  /** Parses a text and writes it again. */
  reencode(input: protocol.JsonInput): string
  /** Writes a message of which nothing is set. */
  encodeEmpty(): string
}

function of<T>(codec: protocol.Codec<T>): MessageType {
  return {
    reencode: (input) => protocol.encodeJson(codec, protocol.parseJson(codec, input)),
    // Tests only: the types do not let callers leave out what is always written.
    encodeEmpty: () => protocol.encodeJson(codec, {} as T),
  }
}

/** By Go type name. */
export const messageTypes: ReadonlyMap<string, MessageType> = new Map([
  ['RegisterRequest', of(protocol.registerRequest)],
  ['RegisterResponse', of(protocol.registerResponse)],
  ['RegisterResponseAuth', of(protocol.registerResponseAuth)],
  ['MapRequest', of(protocol.mapRequest)],
  ['MapResponse', of(protocol.mapResponse)],
  ['Node', of(protocol.controlNode)],
  ['Hostinfo', of(protocol.hostinfo)],
  ['NetInfo', of(protocol.netInfo)],
  ['Service', of(protocol.service)],
  ['Location', of(protocol.location)],
  ['TPMInfo', of(protocol.tpmInfo)],
  ['DERPMap', of(protocol.derpMap)],
  ['DERPHomeParams', of(protocol.derpHomeParams)],
  ['DERPRegion', of(protocol.derpRegion)],
  ['DERPNode', of(protocol.derpNode)],
  ['DERPAdmitClientRequest', of(protocol.derpAdmitClientRequest)],
  ['DERPAdmitClientResponse', of(protocol.derpAdmitClientResponse)],
  ['FilterRule', of(protocol.filterRule)],
  ['NetPortRange', of(protocol.netPortRange)],
  ['PortRange', of(protocol.portRange)],
  ['CapGrant', of(protocol.capGrant)],
  ['SSHPolicy', of(protocol.sshPolicy)],
  ['SSHRule', of(protocol.sshRule)],
  ['SSHPrincipal', of(protocol.sshPrincipal)],
  ['SSHAction', of(protocol.sshAction)],
  ['SSHRecorderFailureAction', of(protocol.sshRecorderFailureAction)],
  ['SSHEventNotifyRequest', of(protocol.sshEventNotifyRequest)],
  ['PeerChange', of(protocol.peerChange)],
  ['TKAInfo', of(protocol.tkaInfo)],
  ['PingRequest', of(protocol.pingRequest)],
  ['PingResponse', of(protocol.pingResponse)],
  ['UserProfile', of(protocol.userProfile)],
  ['User', of(protocol.user)],
  ['Login', of(protocol.login)],
  ['DNSConfig', of(protocol.dnsConfig)],
  ['Resolver', of(protocol.resolver)],
  ['DNSRecord', of(protocol.dnsRecord)],
  ['ClientVersion', of(protocol.clientVersion)],
  ['ControlDialPlan', of(protocol.controlDialPlan)],
  ['ControlIPCandidate', of(protocol.controlIpCandidate)],
  ['Debug', of(protocol.debug)],
  ['DisplayMessage', of(protocol.displayMessage)],
  ['DisplayMessageAction', of(protocol.displayMessageAction)],
  ['EarlyNoise', of(protocol.earlyNoise)],
  ['OverTLSPublicKeyResponse', of(protocol.overTlsPublicKeyResponse)],
  ['SetDNSRequest', of(protocol.setDnsRequest)],
  ['SetDNSResponse', of(protocol.tkaEmptyResponse)],
  ['TokenRequest', of(protocol.tokenRequest)],
  ['TokenResponse', of(protocol.tokenResponse)],
  ['QueryFeatureRequest', of(protocol.queryFeatureRequest)],
  ['QueryFeatureResponse', of(protocol.queryFeatureResponse)],
  ['WebClientAuthResponse', of(protocol.webClientAuthResponse)],
  ['AuditLogRequest', of(protocol.auditLogRequest)],
  ['SetDeviceAttributesRequest', of(protocol.setDeviceAttributesRequest)],
  ['HealthChangeRequest', of(protocol.healthChangeRequest)],
  ['VIPService', of(protocol.vipService)],
  ['ServiceDetails', of(protocol.serviceDetails)],
  ['Oauth2Token', of(protocol.oauth2Token)],
  ['TKAInitBeginRequest', of(protocol.tkaInitBeginRequest)],
  ['TKASignInfo', of(protocol.tkaSignInfo)],
  ['TKAInitBeginResponse', of(protocol.tkaInitBeginResponse)],
  ['TKAInitFinishRequest', of(protocol.tkaInitFinishRequest)],
  ['TKAInitFinishResponse', of(protocol.tkaEmptyResponse)],
  ['TKABootstrapRequest', of(protocol.tkaBootstrapRequest)],
  ['TKABootstrapResponse', of(protocol.tkaBootstrapResponse)],
  ['TKASyncOfferRequest', of(protocol.tkaSyncOfferRequest)],
  ['TKASyncOfferResponse', of(protocol.tkaSyncOfferResponse)],
  ['TKASyncSendRequest', of(protocol.tkaSyncSendRequest)],
  ['TKASyncSendResponse', of(protocol.tkaSyncSendResponse)],
  ['TKADisableRequest', of(protocol.tkaDisableRequest)],
  ['TKADisableResponse', of(protocol.tkaEmptyResponse)],
  ['TKASubmitSignatureRequest', of(protocol.tkaSubmitSignatureRequest)],
  ['TKASubmitSignatureResponse', of(protocol.tkaEmptyResponse)],
  ['TKASignaturesUsingKeyRequest', of(protocol.tkaSignaturesUsingKeyRequest)],
  ['TKASignaturesUsingKeyResponse', of(protocol.tkaSignaturesUsingKeyResponse)],
  ['C2NSSHUsernamesRequest', of(protocol.c2nSshUsernamesRequest)],
  ['C2NSSHUsernamesResponse', of(protocol.c2nSshUsernamesResponse)],
  ['C2NUpdateResponse', of(protocol.c2nUpdateResponse)],
  ['C2NPostureIdentityResponse', of(protocol.c2nPostureIdentityResponse)],
  ['C2NTLSCertInfo', of(protocol.c2nTlsCertInfo)],
  ['C2NVIPServicesResponse', of(protocol.c2nVipServicesResponse)],
])
