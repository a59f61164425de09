import { systemClock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { silentLog } from "../../common/log.ts";
import type { PolicyConfig } from "./config.ts";
import { ReloadingPolicyEngine } from "./engine.ts";
import { openSource } from "./source.ts";

/** Loads the configured policy as the proxy would. @returns one line that says which and its revision @throws UserError that says how to mend it */
export async function checkPolicy(config: PolicyConfig, environment: Environment): Promise<string> {
  const engine = await ReloadingPolicyEngine.open(config, { log: silentLog, clock: systemClock, environment });
  const { name } = openSource(config, { environment });
  return `${name}, revision ${engine.revision}`;
}
