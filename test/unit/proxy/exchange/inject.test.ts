import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { toOutbound } from "../../../../proxy/exchange/inject.ts";
import { readHead } from "../../../../proxy/exchange/read-head.ts";
import { NO_LOAN, type Loan } from "../../../../proxy/model/loan.ts";
import type { HeaderList } from "../../../../proxy/model/request.ts";
import { opened, sentHeaders } from "../../../support/exchange.ts";

function headWith(fields: HeaderList) {
  const rawHeaders = [["Host", "api.ok"], ...fields].flat();
  return readHead({ httpVersion: "1.1", method: "GET", target: "/a?b=1", authority: null, scheme: null, rawHeaders }, false, opened(), "refuse");
}

const loan: Loan = {
  ...NO_LOAN, headers: [["authorization", new Secret("Bearer s3cr3t-value")]], strip: ["authorization", "x-api-key", "cookie"], references: ["g@file#1"], secrets: [new Secret("s3cr3t-value")],
};

describe("toOutbound", () => {
  test("replaces whatever the agent sent under the lent names", () => {
    const outbound = toOutbound(headWith([["Authorization", "Bearer dummy"], ["X-Api-Key", "dummy"], ["Accept", "*/*"]]), loan);
    expect(sentHeaders(outbound)).toEqual([["accept", "*/*"], ["authorization", "Bearer s3cr3t-value"], ["accept-encoding", "identity"]]);
    expect(outbound.target).toBe("/a?b=1");
  });

  test("replaces them even if the grant forgot to have them taken away", () => {
    const outbound = toOutbound(headWith([["X-Token", "dummy"], ["x-token", "again"]]), { ...loan, headers: [["x-token", new Secret("s3cr3t-value")]], strip: [] });
    expect(sentHeaders(outbound).filter(([name]) => name === "x-token")).toEqual([["x-token", "s3cr3t-value"]]);
  });

  test("cannot be talked out of it by a Connection list", () => {
    const outbound = toOutbound(headWith([["Connection", "close, Authorization, accept-encoding"]]), loan);
    expect(sentHeaders(outbound)).toContainEqual(["authorization", "Bearer s3cr3t-value"]);
  });

  test("asks for an answer that can be searched", () => {
    const outbound = toOutbound(headWith([["Accept-Encoding", "gzip"], ["Range", "bytes=3-6"], ["If-Range", "x"], ["Sec-WebSocket-Extensions", "permessage-deflate"]]), loan);
    expect(sentHeaders(outbound).map(([name]) => name)).toEqual(["authorization", "accept-encoding"]);
  });

  test("leaves a head alone when nothing is lent", () => {
    const outbound = toOutbound(headWith([["Accept-Encoding", "gzip"], ["Range", "bytes=3-6"], ["Authorization", "mine"]]), NO_LOAN);
    expect(outbound.headers).toEqual([["accept-encoding", "gzip"], ["range", "bytes=3-6"], ["authorization", "mine"]]);
  });

  test.each(["host", "content-length", "transfer-encoding", "connection", "upgrade"])("lets no grant set %s", (name) => {
    expect(() => toOutbound(headWith([]), { ...loan, headers: [[name, new Secret("x")]] })).toThrow(expect.objectContaining({ code: "credential.unavailable" }));
  });

  test("prints no secret", () => {
    expect(JSON.stringify(toOutbound(headWith([]), loan))).not.toContain("s3cr3t");
  });
});
