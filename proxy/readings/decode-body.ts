import { isUtf8 } from "node:buffer";
import { ContentCodingFault, undoContentCoding } from "../../common/http/content-coding.ts";
import { EgressError } from "../errors.ts";
import type { RequestHead } from "../model/request.ts";
import { malformed, none, type Problem } from "./part.ts";
import type { BodyToRead } from "./readings.ts";

/**
 * For policy, the body without its content coding, the very same buffer if it has none; an unknown coding is no refusal, but something that policy is told.
 * @returns why it is not read, for a coding that we do not know
 * @throws EgressError `request.malformed`, `request.body-limit`
 */
export async function decodeForPolicy({ headers }: RequestHead, { body, limitBytes, take }: BodyToRead): Promise<Buffer | Problem> {
  if (headers.some(([name, value]) => name === "content-encoding" && /\bdeflate\b/i.test(value))) return none("servers undo the coding `deflate` in two ways");
  try {
    const text = await undoContentCoding(headers, body, { bytes: limitBytes, take });
    if (text !== body && isText(body)) throw malformed("it says that it is coded, and is a text as it comes");
    return text;
  } catch (fault) {
    if (!(fault instanceof ContentCodingFault)) throw fault;
    if (fault.kind === "unknown") return none("its content coding is not known here, or there are several");
    if (fault.kind === "broken") throw malformed(fault.message);
    throw tooLarge(fault);
  }
}

const FIRST_OF_JSON = /^[ \t\n\r]*[[{"\d\-tfn]/;
const FIRST_BYTES = 1_024;

/** Servers that undo no coding read the bytes themselves. Of all codings that are known here, `br` alone begins with nothing by which it is known. */
function isText(body: Buffer): boolean {
  return FIRST_OF_JSON.test(body.toString("latin1", 0, FIRST_BYTES)) && isUtf8(body);
}

function tooLarge(fault: ContentCodingFault): EgressError {
  const reason = `The policy reads this request before it decides, and its body unpacks to ${fault.message}.`;
  return new EgressError("request.body-limit", `a coded body that unpacks to ${fault.message}`, {
    cause: fault, explanation: { rule: "read.unpacked", reason, hint: "Send less at a time, or ask for a larger max_read_bytes of the policy's entry." },
  });
}
