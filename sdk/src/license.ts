export {
  type CheckerOptions,
  type CheckerRefusal,
  type CheckResult,
  createLicenseChecker,
  type LicenseChecker,
} from './license/checker.ts';
export type { LicensePublicKeys } from './license/keys.ts';
export type { LicensePayload } from './license/payload.ts';
export { type LicenseState, mergeLicenseStates } from './license/state.ts';
export {
  type LicenseRefusal,
  type LicenseResult,
  type VerifyOptions,
  verifyLicenseFile,
} from './license/verify.ts';
