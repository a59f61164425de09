import { ContentCodingFault, undoContentCoding, type DecodeLimit } from "../../../common/http/content-coding.ts";
import { EgressError } from "../../errors.ts";
import type { HeaderList } from "../../model/request.ts";

/**
 * For the meters, the body of a request to a model without its content coding; what cannot be undone cannot be counted, and is refused.
 * @returns the very same buffer if it is not coded
 * @throws EgressError `request.malformed` for another coding or several, `request.body-limit` for one that unpacks to more, or out of all proportion
 */
export async function decodeForMeters(headers: HeaderList, body: Buffer, limit: DecodeLimit): Promise<Buffer> {
  try {
    return await undoContentCoding(headers, body, limit);
  } catch (fault) {
    throw fault instanceof ContentCodingFault ? refusal(fault) : fault;
  }
}

const RULES = { "too-large": "metering.bodyLimitBytes", "too-dense": "metering.growth" } as const;

function refusal(fault: ContentCodingFault): EgressError {
  const { kind, message: what } = fault;
  if (kind === "unknown" || kind === "broken") return new EgressError("request.malformed", what, { cause: fault });
  const reason = `What this request may cost has to be known before it is sent, and its body unpacks to ${what}.`;
  return new EgressError("request.body-limit", `a coded body that unpacks to ${what}`, { explanation: { rule: RULES[kind], reason, hint: "Send less at a time." } });
}
