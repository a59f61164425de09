import { EgressError } from "../errors.ts";

/** What the parser found, in our codes. */
export function faultOf(error: NodeJS.ErrnoException): EgressError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new EgressError("request.too-large", error.message, { cause: error });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new EgressError("request.timeout", "the head did not arrive in time", { cause: error });
    default:
      return error.code?.startsWith("HPE_") === true
        ? new EgressError("request.malformed", error.message, { cause: error })
        : new EgressError("relay.aborted", error.message, { cause: error });
  }
}
