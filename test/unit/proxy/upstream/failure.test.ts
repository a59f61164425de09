import { inspect } from "node:util";
import { errors } from "undici";
import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { asEgressError, isConnectionLoss } from "../../../../proxy/upstream/failure.ts";

const withCode = (code: string): Error => Object.assign(new Error("said by the system"), { code });

describe("asEgressError", () => {
  test.each([
    [new errors.HeadersTimeoutError(), "upstream.timeout"], [new errors.BodyTimeoutError(), "upstream.timeout"], [new errors.HeadersOverflowError(), "upstream.malformed"],
    [new errors.ResponseContentLengthMismatchError(), "upstream.malformed"], [new errors.SocketError("other side closed"), "upstream.aborted"],
    [new errors.SocketError("bad response"), "upstream.malformed"], [new errors.SocketError("bad upgrade"), "upstream.malformed"],
    [new errors.InvalidArgumentError("invalid authorization header"), "request.malformed"], [new errors.HTTPParserError("bad"), "upstream.malformed"],
    [withCode("ECONNRESET"), "upstream.aborted"], [withCode("ERR_SSL_WRONG_VERSION_NUMBER"), "upstream.aborted"], [withCode("ERR_HTTP2_STREAM_ERROR"), "upstream.malformed"],
    [withCode("E_NEVER_SEEN"), "internal"], [new Error("nothing known"), "internal"], ["a string", "internal"],
  ])("%s becomes %s", (error, code) => {
    expect(asEgressError(error).code).toBe(code);
  });

  test("passes our own errors on as they are", () => {
    const own = new EgressError("upstream.unresolved", "no address");
    expect(asEgressError(own)).toBe(own);
  });

  test("tells nothing of what the library's error carries", () => {
    const canary = "sk-canary-1234";
    const errorsWithCanary = [
      Object.assign(new errors.HTTPParserError(canary), { data: canary }), new errors.SocketError("other side closed", { localAddress: canary } as never),
      new errors.ResponseError(canary, 500, { headers: { authorization: canary }, body: canary }), Object.assign(new Error(canary), { headers: canary }), canary,
    ];
    for (const error of errorsWithCanary) {
      const told = asEgressError(error);
      expect(inspect(told, { depth: 9, showHidden: true }) + JSON.stringify(told) + String(told.stack)).not.toContain(canary);
    }
  });
});

test("isConnectionLoss is about connections only, not about bad answers", () => {
  expect(isConnectionLoss(new errors.SocketError("other side closed"))).toBe(true);
  expect(isConnectionLoss(withCode("EPIPE"))).toBe(true);
  expect(isConnectionLoss(new errors.SocketError("bad response"))).toBe(false);
  expect(isConnectionLoss(new errors.HeadersTimeoutError())).toBe(false);
});
