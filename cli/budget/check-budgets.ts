import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseConfig, readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { nearNames } from "../../common/near-names.ts";
import { policyData } from "../../proxy/operator.ts";
import type { WeirConfig } from "../config.ts";
import { configuredBudgets } from "./configured-budgets.ts";
import { openMachineLedger } from "./machine-ledger.ts";

const DATA_FILES = ["data.yaml", "data.yml", "data.json"];

/**
 * Whether budgets can be counted and those that policy names exist.
 * @returns one line that says how many there are, where they are counted, and what a budget of money refuses
 * @throws UserError that says how to mend it
 */
export async function checkBudgets(config: WeirConfig, stateDirectory: string, log: Log): Promise<string> {
  const { budgets, metering } = config;
  for (const name of namedByPolicy(config)) {
    if (Object.hasOwn(budgets.named, name)) continue;
    const near = nearNames(name, Object.keys(budgets.named));
    throw new UserError(`policy charges requests to the budget ${name}, which is not configured: they are refused`,
      near.length > 0 ? `Did it mean ${near.join(" or ")}?` : `Add it to budgets.named, or take it out of the policy.`, EXIT.config);
  }
  const all = configuredBudgets(budgets);
  if (all.length === 0) return "none: nothing limits what agents use";
  const { type = "embedded" } = budgets.ledger;
  if (type !== "memory" && type !== "controller") await reach(config, stateDirectory, log);
  const isMoneyLimited = all.some(({ meter }) => meter === "usd");
  const prices = isMoneyLimited && metering.fallbackPrice === undefined ? "; models without a price are refused (metering.fallbackPrice)" : "";
  return `${all.length}, counted in the ledger ${type}${prices}`;
}

function namedByPolicy({ policy }: WeirConfig): ReadonlySet<string> {
  const file = policy.directory === undefined ? undefined : DATA_FILES.map((name) => join(policy.directory ?? "", name)).find((path) => existsSync(path));
  const data = policy.data ?? (file === undefined ? undefined : parseConfig(policyData, file, readConfigFile(file)));
  return new Set([...data?.hosts ?? [], ...data?.packs ?? []].flatMap(({ budgets }) => budgets ?? []));
}

async function reach({ budgets }: WeirConfig, stateDirectory: string, log: Log): Promise<void> {
  const store = openMachineLedger(budgets, stateDirectory, log);
  try {
    await store.standings({ limit: 1 });
  } catch (cause) {
    throw new UserError(`the ledger of budgets does not answer: ${describeError(cause)}`, "Everything that a budget counts is refused until it does: see budgets.ledger.", EXIT.config, { cause });
  } finally {
    await store.close();
  }
}
