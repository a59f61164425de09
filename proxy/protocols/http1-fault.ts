import { EgressError } from "../errors.ts";

const TOO_LARGE = new Set(["HPE_HEADER_OVERFLOW", "HPE_CHUNK_EXTENSIONS_OVERFLOW"]);

/** What the parser found, in our codes. */
export function faultOf(error: NodeJS.ErrnoException): EgressError {
  const { code = "", message } = error;
  const options = { cause: error };
  if (TOO_LARGE.has(code)) return new EgressError("request.too-large", message, options);
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new EgressError("request.timeout", "the head did not arrive in time", options);
  // HPE_INVALID_EOF_STATE is an agent that left in the middle of a request.
  return new EgressError(code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE" ? "request.malformed" : "relay.aborted", message, options);
}
