import { expect, test } from "vitest";
import { faultOf } from "../../../../proxy/protocols/http1-fault.ts";

test.each([
  ["HPE_HEADER_OVERFLOW", "request.too-large"], ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "request.too-large"], ["ERR_HTTP_REQUEST_TIMEOUT", "request.timeout"],
  ["HPE_INVALID_HEADER_TOKEN", "request.malformed"], ["HPE_INVALID_EOF_STATE", "relay.aborted"], ["ECONNRESET", "relay.aborted"], ["EPIPE", "relay.aborted"], [undefined, "relay.aborted"],
])("a parser's %s is our %s", (code, expected) => {
  expect(faultOf(Object.assign(new Error("x"), code === undefined ? {} : { code })).code).toBe(expected);
});
