/** What the operator's tool needs of the rooms, beside starting them: nothing in here runs while agents are served. */
export { latestCheckpoint, rotateAuditKey } from "./audit/keeping.ts";
export { findRecords, listChains as listAuditChains, tailAudit, type AuditEntry } from "./audit/reader.ts";
export type { VerifyReport } from "./audit/verify-report.ts";
export { verifyAudit } from "./audit/verify.ts";
export { dummyEnvironment } from "./credentials/dummies.ts";
export { openLocalIssuer, type LocalIssuer } from "./identity/local-issuer.ts";
export type { AuditRecord } from "./model/record.ts";
export { describeStep, runCases } from "./policy/cases.ts";
export { checkPolicy } from "./policy/check-policy.ts";
export { policyConfig } from "./policy/config.ts";
export { ReloadingPolicyEngine } from "./policy/engine.ts";
export { explainRecord, type RecordExplanation } from "./policy/explain-record.ts";
export { findOpa } from "./policy/opa.ts";
export type { PolicyEngine } from "./policy/policy-engine.ts";
export { buildPolicy, checkPolicyFolder, formatPolicy, runRegoTests } from "./policy/policy-tool.ts";
export { STARTER_POLICY_FILES } from "./policy/starter.ts";
export { parseTrial, runTrial } from "./policy/trial.ts";
export { openCa } from "./tls/ca.ts";
