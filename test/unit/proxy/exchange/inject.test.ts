import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { inject, toOutbound } from "../../../../proxy/exchange/inject.ts";
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

describe("a body that is held back until it is whole", () => {
  const filledWith = (secret: string): Loan => ({
    ...loan, headers: [["x-key", new Secret(secret)]], references: [`g@file#${secret}`],
    finish: [{ order: "place", bodyLimitBytes: () => 1_024, apply: async ({ head, body }) => ({ head, body: Buffer.from(`${body?.toString() ?? ""}=${secret}`) }) }],
  });

  function holding(loans: Loan[]) {
    const body = new PassThrough();
    const asked: string[] = [];
    const given = { taken: 0 };
    const path = {
      rooms: {
        credentials: { refuseStray: () => {}, lend: async () => { const next = loans.shift(); if (next === undefined) throw new Error("taken back"); return next; } },
        holdings: { of: () => null }, clock: { monotonicMs: () => 0 },
      },
      probes: { requireTrusted: (_instance: string, references: readonly string[]) => { asked.push(...references); } },
      held: { take: (_instance: string, bytes: number) => { given.taken += bytes; return true; }, giveBack: (_instance: string, bytes: number) => { given.taken -= bytes; } },
      watch: { add: () => () => {} }, config: {},
    } as unknown as Parameters<typeof inject>[3];
    const head = { ...headWith([]), framing: { kind: "chunked" as const } };
    const allow = { grants: ["g"], obligations: {}, rule: "r" } as unknown as Parameters<typeof inject>[1];
    const incoming = {
      connection: { agent: { instance: "i1" }, signal: new AbortController().signal }, body, answer: { gone: null, proceed: () => { body.end("body"); } },
    } as unknown as Parameters<typeof inject>[2];
    return { injected: inject({ head, body }, allow, incoming, path), asked, given };
  }

  test("is sent with what is lent when it is whole, not with what was taken back meanwhile", async () => {
    const { injected, asked } = holding([filledWith("before"), filledWith("after")]);
    const { outbound, body, loan: lent } = await injected;
    expect([await text(body!), outbound.framing, sentHeaders(outbound)[0], lent.references]).toEqual(["body=after", { kind: "length", bytes: 10 }, ["x-key", "after"], ["g@file#after"]]);
    expect(asked).toEqual(["g@file#before", "g@file#after"]);
  });

  test("is not sent, and let go of, when nothing is lent any more", async () => {
    const { injected, given } = holding([filledWith("before")]);
    await expect(injected).rejects.toThrow("taken back");
    expect(given.taken).toBe(0);
  });
});
