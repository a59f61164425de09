import { resolve } from "node:path";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { policyConfig, ReloadingPolicyEngine, type PolicyEngine } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";

/** What `--policy` names: a built bundle ends in `.tar.gz`, everything else is a folder. Paths become absolute. */
export function placeOf(path: string): { bundle: string } | { directory: string } {
  const absolute = resolve(path);
  return absolute.endsWith(".tar.gz") ? { bundle: absolute } : { directory: absolute };
}

/** Opens the engine that a boundary would ask. @throws UserError that says how to mend the policy */
export function openEngine(section: Parameters<typeof policyConfig.parse>[0], io: Io): Promise<PolicyEngine> {
  return ReloadingPolicyEngine.open(policyConfig.parse(section), { log: silentLog, clock: systemClock, environment: io.environment });
}
