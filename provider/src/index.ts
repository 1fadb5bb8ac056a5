// The public names. Everything else may change in any release.
export { AS_OF } from "./adapter/clock";
export { type ErrorCode, errorCodes, isTlsError, TlsError } from "./errors";
export { type CertificateFiles, type CertificateTexts, fromFiles } from "./files/from-files";
export { type InspectOptions, inspect } from "./files/inspect";
export type {
  InspectedCertificate,
  InspectedFile,
  InspectedKey,
  Inspection,
  InspectionFinding,
} from "./files/inspection";
export type { CellsOptions } from "./gateway/cells/options";
export type { GatewayKindName, GatewayOptions } from "./gateway/kinds";
export type { GatewayFeature } from "./gateway/model/features";
export type { FirewallPort, GatewayCommands, GatewayFile } from "./gateway/model/kind";
export type {
  ClientAuth,
  HeaderChange,
  Hsts,
  Maintenance,
  ProxyProtocol,
  RoutingRule,
  SiteData,
  SiteTimeouts,
  SiteTls,
  SiteUpstream,
  TlsProfile,
} from "./gateway/model/site";
export type { ResponderKindName } from "./gateway/responders";
export type { RenewalDecision, RenewalPolicy, Validity } from "./renewal/decision";
export type { RenewalWindow } from "./renewal/window";
export type { OrderingAccount } from "./resources/acme/account";
export {
  AcmeAccount,
  type AcmeAccountArgs,
  type AcmeAccountState,
  type ExternalAccountBinding,
} from "./resources/acme/account";
export {
  AcmeCertificate,
  type AcmeCertificateArgs,
  type AcmeCertificateState,
  type OrderedCertificateArgs,
} from "./resources/acme/certificate";
export type {
  AcmeChallengeArgs,
  AutoChallengeArgs,
  DnsCommandChallengeArgs,
  DnsPersistChallengeArgs,
  HttpGatewayChallengeArgs,
  HttpListenerChallengeArgs,
  HttpWebrootChallengeArgs,
  OrderChallengeArgs,
  PreflightArgs,
  PropagationArgs,
  TlsAlpnChallengeArgs,
} from "./resources/acme/challenge-args";
export {
  DnsValidatedCertificate,
  type DnsValidatedCertificateArgs,
  type MakeRecord,
  type ValidationRecord,
} from "./resources/acme/dns-validated-certificate";
export {
  AcmeOrder,
  type AcmeOrderArgs,
  type AcmeOrderState,
  type ChallengeRecord,
  type HttpResource,
  type NameChallenge,
} from "./resources/acme/order";
export {
  type AcmeResponder,
  type AcmeResponderArgs,
  type AcmeResponderArgsOf,
  type AnsweredAccount,
  type AnsweredHosts,
  acmeResponder,
} from "./resources/acme/responder";
export {
  type AuthorisedAccount,
  type CaaProperty,
  type RehearsalAccount,
  type StandingRecord,
  type ValidationRecordsOptions,
  validationRecords,
} from "./resources/acme/validation-records";
export type { RenewalArgs } from "./resources/base/renewal-outputs";
export {
  type AiaCompletionArgs,
  CertificateChain,
  type CertificateChainArgs,
  type CertificateChainState,
} from "./resources/certificate/certificate-chain";
export type { ChainMember, TlsaArgs, TlsaRecord } from "./resources/certificate/facts";
export type { Pkcs12Args } from "./resources/certificate/files";
export {
  type IssueArgs,
  type IssuingCA,
  LeafCertificate,
  type LeafCertificateArgs,
  type LeafCertificateState,
} from "./resources/certificate/leaf-certificate";
export {
  type MkcertArgs,
  SelfSignedCA,
  type SelfSignedCAArgs,
  type SelfSignedCAState,
} from "./resources/certificate/self-signed-ca";
export type { GatewayCertificate, Renewal } from "./resources/gateway/certificate-reference";
export { Gateway, type GatewayArgs, type GatewayArgsOf, type GatewaySiteArgs } from "./resources/gateway/gateway";
export { Site } from "./resources/gateway/site";
export type { SiteArgs, SiteTlsArgs } from "./resources/gateway/site-args";
export type { KeyType } from "./x509/keys/private-key";
export type { NameConstraints } from "./x509/names/constraints";
export type { DistinguishedName } from "./x509/names/distinguished-name";
