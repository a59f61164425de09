import type * as z from "zod";
import type { ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { agentSpec, agentStatus } from "./agent.ts";
import { budgetSpec, budgetStatus } from "./budget.ts";
import { acceptedStatus, credentialGrantSpec } from "./credential-grant.ts";
import { egressPolicySpec, egressPolicyStatus } from "./egress-policy.ts";
import { threadSpec, threadStatus } from "./thread.ts";

/** A column of `kubectl get`; with priority 1 only of `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly priority?: 1;
}

/** What a CustomResourceDefinition says beside the schemas. */
export interface CustomResource {
  readonly type: ResourceType;
  readonly singular: string;
  readonly shortName: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  /** Fields that `--field-selector` can choose by. */
  readonly selectable: readonly string[];
}

const condition = (name: string, type: string, field: "status" | "reason", wide: { readonly priority?: 1 } = {}): PrinterColumn =>
  ({ name, type: "string", jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`, ...wide });
const field = (name: string, jsonPath: string, type: PrinterColumn["type"] = "string"): PrinterColumn => ({ name, type, jsonPath });
const WIDE = { priority: 1 } as const;
const AGE = field("Age", ".metadata.creationTimestamp", "date");

/** The kinds of `weir.dev`; `npm run docs:generate` writes their definitions to `charts/weir/files/crds/`. */
export const CUSTOM_RESOURCES: readonly CustomResource[] = [
  {
    type: TYPES.agents, singular: "agent", shortName: "wag", spec: agentSpec, status: agentStatus, selectable: [],
    columns: [
      condition("Ready", "Ready", "status"), condition("Reason", "Ready", "reason"),
      field("Instances", ".status.instances", "integer"), field("Threads", ".status.threads", "integer"),
      { ...field("Image", ".spec.image"), ...WIDE }, AGE,
    ],
  },
  {
    type: TYPES.threads, singular: "thread", shortName: "wth", spec: threadSpec, status: threadStatus, selectable: [".spec.agent", ".spec.user"],
    columns: [
      field("Agent", ".spec.agent"), field("Phase", ".status.phase"), field("Unread", ".status.unread", "integer"), field("Spent", ".status.spent"),
      field("Last-Activity", ".status.lastActivity", "date"), { ...field("Instance", ".status.instance"), ...WIDE },
      { ...field("User", ".spec.user"), ...WIDE }, AGE,
    ],
  },
  {
    type: TYPES.egressPolicies, singular: "egresspolicy", shortName: "wep", spec: egressPolicySpec, status: egressPolicyStatus, selectable: [],
    columns: [
      condition("Accepted", "Accepted", "status"), condition("Programmed", "Programmed", "status"), condition("Reason", "Accepted", "reason"),
      { ...field("Revision", ".status.revision"), ...WIDE }, AGE,
    ],
  },
  {
    type: TYPES.credentialGrants, singular: "credentialgrant", shortName: "wcg", spec: credentialGrantSpec, status: acceptedStatus, selectable: [],
    columns: [condition("Accepted", "Accepted", "status"), condition("Reason", "Accepted", "reason"), { ...field("Hosts", ".spec.bind.hosts"), ...WIDE }, AGE],
  },
  {
    type: TYPES.budgets, singular: "budget", shortName: "wbu", spec: budgetSpec, status: budgetStatus, selectable: [],
    columns: [
      field("Meter", ".spec.meter"), field("Window", ".spec.window"), field("Limit", ".spec.limit"), field("Spent", ".status.spent"),
      { ...field("Percent", ".status.percent", "integer"), ...WIDE }, { ...field("Window-End", ".status.windowEnd", "date"), ...WIDE },
      condition("Accepted", "Accepted", "status"), condition("Reason", "Accepted", "reason", WIDE), AGE,
    ],
  },
];
