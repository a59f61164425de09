import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../common/clock.ts";
import { openLog } from "../../common/log.ts";
import { auditConfig } from "../../proxy/audit/config.ts";
import { openAudit } from "../../proxy/audit/open-audit.ts";
import { anExchange } from "./audit-records.ts";

/**
 * A process that writes a chain as fast as the disk lets it, for tests that kill it or make its system calls fail.
 * Prints a line for each receipt (`ok SEQUENCE HASH`) after it has it, and for each refusal (`no CODE`).
 * argv: folder, number of callers at once, config section as JSON
 */
const [folder = "", callers = "1", section = "{}"] = process.argv.slice(2);
const room = await openAudit(auditConfig.parse(JSON.parse(section)), { directory: folder, clock: systemClock, log: openLog("writer", "silent") });
process.stdout.write("ready\n");
await Promise.all(Array.from({ length: Number(callers) }, async (_, caller) => {
  for (let at = 0; ; at += 1) {
    try {
      const { sequence, hash } = await room.commit(anExchange({ exchangeId: `x-${caller}-${at}` }));
      process.stdout.write(`ok ${sequence} ${hash}\n`);
    } catch (error) {
      process.stdout.write(`no ${(error as { code?: string }).code ?? String(error)}\n`);
      await pause(20);
    }
  }
}));
