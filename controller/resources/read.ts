import * as z from "zod";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { agentSpec, agentStatus, type Agent } from "./agent.ts";
import { budgetSpec, budgetStatus, type Budget } from "./budget.ts";
import { acceptedStatus, credentialGrantSpec, type CredentialGrant } from "./credential-grant.ts";
import { egressPolicySpec, egressPolicyStatus, type EgressPolicy } from "./egress-policy.ts";
import { label, objectMeta } from "./meta.ts";
import { threadSpec, threadStatus, type Thread } from "./thread.ts";

/**
 * A resource as this version of Weir understands it, or why it does not. An object that an older or newer version wrote is no reason to stop: its
 * problems go into its status, and it has no effect.
 */
export type Reading<T> = { readonly isReadable: true; readonly resource: T } | LeftOut;

export interface LeftOut {
  readonly isReadable: false;
  /** One word, for a condition. */
  readonly reason: string;
  readonly problems: readonly string[];
}

/** As if it could not be read, for a reason that is not in the object alone. */
export const leftOut = (reason: string, problem: string): LeftOut => ({ isReadable: false, reason, problems: [problem] });

/** At most so many problems of one object are told. */
const PROBLEMS_LIMIT = 50;

const metadata = objectMeta.extend({ name: label, namespace: label });

/** Whatever the object is, there is an answer: these never throw. A status that does not parse is left out: it is written anew anyway. */
export const readAgent = reader<Agent>(agentSpec, agentStatus);
export const readThread = reader<Thread>(threadSpec, threadStatus);
export const readEgressPolicy = reader<EgressPolicy>(egressPolicySpec, egressPolicyStatus);
export const readCredentialGrant = reader<CredentialGrant>(credentialGrantSpec, acceptedStatus);
export const readBudget = reader<Budget>(budgetSpec, budgetStatus);

function reader<T>(spec: z.ZodType, status: z.ZodObject): (object: KubeObject) => Reading<T> {
  const schema = z.looseObject({ metadata, spec });
  const lenientStatus = status.partial();
  return ({ status: reported, ...object }) => {
    const parsed = schema.safeParse(object);
    if (!parsed.success) return { isReadable: false, reason: "Unreadable", problems: problemsIn(parsed.error) };
    const { data } = lenientStatus.safeParse(reported);
    const resource = data === undefined ? parsed.data : { ...parsed.data, status: data };
    return { isReadable: true, resource: resource as T };
  };
}

function problemsIn(error: z.ZodError): string[] {
  return error.issues.slice(0, PROBLEMS_LIMIT).map(({ path, message }) => `${path.join(".")}: ${message}`);
}
