import { accountKey, type Scope } from "../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../common/ledger/account.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { MeterName } from "./config.ts";
import { allowanceLimit, type Limit } from "./limits.ts";

/** One count, and the budget that it is kept for. */
export interface LimitedAccount {
  readonly limit: Limit;
  readonly spec: AccountSpec;
}

/**
 * The counts that a charge goes to. What has a count for each thread is counted for the threads above this one too: what a child spends,
 * its parent spends. So are the allowances that this thread and those above it were given.
 */
export function accountsOf(limits: readonly Limit[], agent: AgentIdentity): readonly LimitedAccount[] {
  const above = agent.chain.map(readThread);
  const counted = limits.flatMap((limit) => scopesOf(limit, agent, above).map((shared) => accountOf(limit, shared)));
  const given = [{ thread: threadOfPod(agent), allowance: agent.allowance }, ...above.map((thread, index) => ({ thread, allowance: agent.chainAllowances?.[index] }))];
  return [...counted, ...given.flatMap(({ thread, allowance }) => (thread === null ? [] : allowancesOf(thread, allowance)))];
}

/** The count of the agent itself. */
export function ownAccount(limit: Limit, agent: AgentIdentity): LimitedAccount {
  return accountOf(limit, sharedBy(scopeOf(limit), agent));
}

function accountOf(limit: Limit, shared: readonly string[]): LimitedAccount {
  const { id, meter, window, timezone, thresholds } = limit;
  const key = accountKey({ budget: id, meter, window, scope: scopeOf(limit), shared });
  return { limit, spec: { key, budget: id, meter, limit: limit.limit, window, timezone, thresholds } };
}

function scopeOf({ window, per }: Limit): Scope {
  return window === "thread" ? "thread" : per;
}

function scopesOf(limit: Limit, agent: AgentIdentity, above: readonly (readonly string[] | null)[]): readonly (readonly string[])[] {
  const scope = scopeOf(limit);
  const own = sharedBy(scope, agent);
  return scope === "thread" ? [own, ...above.filter((thread) => thread !== null)] : [own];
}

function sharedBy(scope: Scope, agent: AgentIdentity): readonly string[] {
  if (scope === "all") return [];
  if (scope === "namespace") return [agent.namespace];
  if (scope === "user") return [agent.user];
  return scope === "agent" ? [agent.namespace, agent.name] : ownThread(agent);
}

function ownThread({ namespace, name, thread }: AgentIdentity): readonly string[] {
  return [namespace, name, thread];
}

/** A container with an identity of its own (`agent.container`) spends the allowance of the agent beside it: it has none of its own. */
function threadOfPod({ namespace, name, thread }: AgentIdentity): readonly string[] {
  const [agent = name] = name.split(".", 1);
  return [namespace, agent, thread];
}

/** @param entry `namespace/agent/thread`; null for what is not of that form, such as the name of an agent that has no threads */
function readThread(entry: string): readonly string[] | null {
  const parts = entry.split("/");
  return parts.length === 3 && parts.every((part) => part !== "") ? parts : null;
}

function allowancesOf(thread: readonly string[], allowance: AgentIdentity["allowance"]): readonly LimitedAccount[] {
  return Object.entries(allowance ?? {}).map(([meter, digits]) => accountOf(allowanceLimit(meter as MeterName, BigInt(digits)), thread));
}
