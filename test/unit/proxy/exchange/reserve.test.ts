import { afterEach, describe, expect, test } from "vitest";
import { allow } from "../../../support/exchange.ts";
import { priceOf } from "../../../support/fake-metering.ts";
import { call, ModelExchange } from "../../../support/model-exchange.ts";

let stand: ModelExchange;
const open = (...limits: ConstructorParameters<typeof ModelExchange>) => { stand = new ModelExchange(...limits); return stand; };
afterEach(() => { stand.close(); });
const bodies = async (asked: Parameters<typeof call>[0]) => {
  const seen: unknown[] = [];
  stand.fakes.upstream.script = async (flow) => { seen.push(JSON.parse((await flow.drainBody()).toString())); flow.reply(200, [], "ok"); };
  const answer = await stand.serve(call(asked));
  return { answer, seen };
};

describe("a call of which the worst case is more than is left", () => {
  test("is limited to what is left, and sent", async () => {
    open({ usd: 150n });
    const { answer, seen } = await bodies({ max_tokens: 50 });
    expect([answer.status, seen]).toEqual([200, [{ model: "m", max_tokens: 5 }]]);
    expect(stand.ledger.charges.map(({ amounts }) => amounts.usd)).toEqual([600n, 150n]);
    expect(stand.fakes.closed()[0]).toMatchObject({ modelUse: { clampedTo: 5, heldNanoUsd: "150" } });
  });

  test("is limited again when others were faster, and refused after three times", async () => {
    open({ usd: 200n });
    let others = 0;
    stand.ledger.meanwhile = () => { stand.ledger.settled.usd = BigInt(20 * others); others += 1; };
    const { answer, seen } = await bodies({ max_tokens: 50 });
    expect([answer.status, seen, stand.ledger.charges.length]).toEqual([429, [], 4]);
  });

  test.each([["by the configuration", () => { stand.metering.shortage.whenShort = "refuse"; }], ["by policy", () => { stand.fakes.answer = () => allow({ obligations: { whenShort: "refuse" } }); }]])(
    "is refused where that is said %s: what it asked for, what is left, how to raise it", async (_by, say) => {
      open({ usd: 150n });
      say();
      const { answer, seen } = await bodies({ max_tokens: 50 });
      expect([answer.status, seen]).toEqual([429, []]);
      expect(stand.fakes.closed()[0]!.error).toMatchObject({ code: "budget.exhausted", rule: "budget.team", hint: "raise it", reason: "team is used up; this request may come to $0.0000006 ($0.00000015 left)" });
      expect(stand.ledger.reserved.usd ?? 0n).toBe(0n);
    });

  test("is refused when less would be left of it than is worth an answer", async () => {
    open({ usd: 110n });
    expect((await bodies({ max_tokens: 50 })).answer.status).toBe(429);
  });

  test("is refused when what is short has nothing to do with its output", async () => {
    open({ requests: 0n, usd: 1_000n });
    expect((await bodies({ max_tokens: 50 })).answer.status).toBe(429);
  });

  test("may wait where the window ends within a minute, and is told so; not where it is longer", async () => {
    open({ requests: 0n });
    stand.ledger.opensAtMs = stand.fakes.clock.nowMs() + 30_500;
    const soon = await stand.serve(call({ max_tokens: 5 }));
    stand.ledger.opensAtMs = stand.fakes.clock.nowMs() + 61_000;
    const later = await stand.serve(call({ max_tokens: 5 }));
    expect([soon.header("retry-after"), later.header("retry-after"), soon.header("x-should-retry")]).toEqual(["31", undefined, "false"]);
  });
});

test("a call that fits is reserved once, with a request and the first seconds", async () => {
  open({ usd: 1_000n });
  await bodies({ max_tokens: 5 });
  expect(stand.ledger.charges.map(({ amounts }) => amounts)).toEqual([{ ...priceOf(5), requests: 1n, seconds: 2n }]);
});

test("a refusal to somebody who is no client of a model keeps our own shape", async () => {
  const answer = await open({ requests: 0n }).serve({ target: "/other" });
  expect([answer.status, answer.json(), answer.header("x-should-retry")]).toMatchObject([402, { error: "budget.exhausted", rule: "budget.team" }, "false"]);
});
