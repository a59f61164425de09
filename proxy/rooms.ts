import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { Metrics } from "./admin/metrics.ts";
import type { Approvals } from "./approvals/approvals.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import type { BudgetLedger } from "./budget/budget-ledger.ts";
import type { CredentialLender } from "./credentials/credential-lender.ts";
import type { IdentityVerifier } from "./identity/identity-verifier.ts";
import type { Mcp } from "./mcp/mcp.ts";
import type { Metering } from "./metering/metering.ts";
import type { Activity } from "./model/activity.ts";
import type { HoldingsBook } from "./model/holdings.ts";
import type { LiveSet } from "./model/live.ts";
import type { NameBook } from "./names/name-book.ts";
import type { Hindsight } from "./policy/hindsight.ts";
import type { PolicyEngine } from "./policy/policy-engine.ts";
import type { Readings } from "./readings/readings.ts";
import type { CertificateAuthority } from "./tls/certificate-authority.ts";
import type { Upstream } from "./upstream/upstream.ts";

/** The floor plan: what the paths may ask of the rest. Types only; `main.ts` furnishes it. */
export interface Rooms {
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: IdentityVerifier;
  readonly names: NameBook;
  readonly policy: PolicyEngine;
  readonly hindsight: Hindsight;
  readonly readings: Readings;
  readonly mcp: Mcp;
  readonly approvals: Approvals;
  readonly holdings: HoldingsBook;
  readonly credentials: CredentialLender;
  readonly budget: BudgetLedger;
  readonly metering: Metering;
  readonly audit: AuditLog;
  readonly authority: CertificateAuthority;
  readonly upstream: Upstream;
  readonly metrics: Metrics;
  readonly live: LiveSet;
  readonly activity: Activity;
}
