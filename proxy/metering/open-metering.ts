import { systemClock, type Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { MeteringConfig } from "./config.ts";
import type { Metering } from "./metering.ts";
import { readPricesFile } from "./prices-file.ts";
import { Pricing } from "./pricing.ts";
import { readCall } from "./read-call.ts";
import { recognise } from "./recognise.ts";
import { refusalFor } from "./refusal.ts";

/** Opens the room. Nothing is fetched, now or later. @throws UserError for a price file that cannot be read, with all its problems */
export async function openMetering(config: MeteringConfig, clock: Clock = systemClock): Promise<Metering> {
  const overrides = config.pricesFile === undefined ? [] : readPricesFile(config.pricesFile);
  const pricing = new Pricing({ overrides, fallback: config.fallbackPrice ?? null, nowMs: () => clock.nowMs() });
  return {
    shortage: config,
    recognise: (head) => recognise(head, config),
    read: async (call, head, held) => {
      const found = recognise(head, config);
      if (found.kind !== "call" || found.call.api !== call.api) throw new EgressError("internal", "a request is not read as what it was recognised as");
      return await readCall(found.call, { headers: head.headers, ...held }, pricing, config);
    },
    refusal: (head, error, requestId) => refusalFor(head, { error, requestId }, config),
  };
}
