import { JsonFault, readClearJsonInTurns } from "../../../common/json/clear-json.ts";
import { EgressError } from "../../errors.ts";

/** What a look at every key of a JSON text finds, beside its value. */
export interface ScannedJson {
  readonly value: unknown;
  /** What it asks to be kept in the provider's cache: nothing, entries of five minutes, or of an hour (and whatever else `ttl` says). */
  readonly cacheWrites: "none" | "5m" | "1h";
}

/** Names of Anthropic and of Bedrock. */
const CACHE_KEYS = new Set(["cache_control", "cachePoint"]);

/**
 * Reads JSON of which no two readers make different things, and notes what it asks to be kept. A long one is walked over in several turns.
 * @throws EgressError `request.malformed`
 */
export async function scanJson(bytes: Buffer): Promise<ScannedJson> {
  let cacheWrites: ScannedJson["cacheWrites"] = "none";
  const onKey = (key: string, end: number): void => {
    if (CACHE_KEYS.has(key) && cacheWrites === "none") cacheWrites = "5m";
    // Whatever else it may be, an hour is the longest and dearest there is.
    if (key === "ttl" && !/^\s*:\s*"5m"/.test(bytes.toString("latin1", end + 1, end + 40))) cacheWrites = "1h";
  };
  try {
    const { value } = await readClearJsonInTurns(bytes, { onKey });
    return { value, cacheWrites };
  } catch (fault) {
    throw fault instanceof JsonFault ? refusal(fault) : fault;
  }
}

function refusal(fault: JsonFault): EgressError {
  if (fault.kind !== "too-much") return new EgressError("request.malformed", `a body that is or has ${fault.message}`, { cause: fault });
  const reason = `What this request to a model may cost is not read: its body has ${fault.message}.`;
  return new EgressError("request.malformed", `a body with ${fault.message}`, { explanation: { rule: "metering.malformed", reason, hint: "Send less at a time." } });
}
