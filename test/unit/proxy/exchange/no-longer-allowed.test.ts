import { describe, expect, test } from "vitest";
import { noLongerAllowed, type UnderWay } from "../../../../proxy/exchange/no-longer-allowed.ts";
import type { Ask, Decision } from "../../../../proxy/model/decision.ts";
import type { ReadReport } from "../../../../proxy/model/readings.ts";
import { allow, deny, FakeRooms, opened } from "../../../support/exchange.ts";
import { requestHead } from "../../../support/request-head.ts";

const head = requestHead("POST", "/x");
const readAs = (report: ReadReport): UnderWay["read"] => ({ head, body: { report, parts: [{ json: 1 }] } });
const under = (over: Partial<UnderWay> = {}): UnderWay => ({ head, connection: opened(), read: null, answered: null, allow: allow(), ...over });
const ask: Ask = { kind: "ask", rule: "test.ask", reason: "may it?", hint: "wait", timeoutMs: 1, scopes: ["once"], allow: allow({ rule: "test.ask" }), revision: "r2" };
const read = (...readings: ("json" | "graphql")[]): Decision => ({ kind: "read", rule: "test.read", readings, maxBytes: 1, revision: "r2" });

/** By the question of the head, and by those of what was read. */
const today = async (exchange: UnderWay, byHead: Decision, byBody: Decision = byHead) => {
  const fakes = new FakeRooms();
  fakes.answer = (input) => (input.read === undefined ? byHead : byBody);
  return await noLongerAllowed(exchange, fakes.rooms);
};
const denied = (rule: string) => expect.objectContaining({ code: "policy.denied", explanation: expect.objectContaining({ rule }) });

describe("an exchange that is under way", () => {
  test("goes on where policy allows it, by its head or by what was read of it", async () => {
    expect(await today(under(), allow())).toBeNull();
    expect(await today(under({ read: readAs({ json: null }) }), read("json"), allow())).toBeNull();
    expect(await today(under({ read: readAs({ json: "it is no JSON" }) }), read("json"), allow()), "what was tried is known, whatever came of it").toBeNull();
  });

  test("ends where it is denied, by its head or by what was read of it", async () => {
    expect(await today(under(), deny())).toEqual(denied("test.deny"));
    expect(await today(under({ read: readAs({ json: null }) }), read("json"), deny())).toEqual(denied("test.deny"));
  });

  test("ends where policy would read what was not read", async () => {
    expect(await today(under(), read("json"), allow())).toEqual(denied("test.read"));
    expect(await today(under({ read: readAs({ json: null }) }), read("json", "graphql"), allow())).toEqual(denied("test.read"));
  });

  test("ends where a person would have to be asked now", async () => {
    expect(await today(under(), ask)).toEqual(expect.objectContaining({ outcome: "denied" }));
  });

  test("ends where its credential is no longer lent", async () => {
    expect(await today(under({ allow: allow({ grants: ["g"] }) }), allow())).toEqual(denied("test.allow"));
    expect(await today(under({ allow: allow({ grants: ["g"] }) }), allow({ grants: ["g", "h"] }))).toBeNull();
  });

  test("ends where policy cannot be asked", async () => {
    expect(await today(under({ read: readAs({ json: null }) }), read("json"), read("json"))).toMatchObject({ code: "policy.unavailable" });
  });
});
