import { expect, test } from "vitest";
import { Account } from "../../../../proxy/budget/account.ts";

const account = () => new Account({ id: "team", meter: "bytes", limit: 100n, window: "hour", scope: "named", setting: "budgets.named.team.limit" });

test("an account reserves up to its limit and never past it, whoever asks", () => {
  const full = account();
  full.reserve(100n);
  expect(() => { full.reserve(1n); }).toThrow(RangeError);
  expect([full.reserved, full.left]).toEqual([100n, 0n]);
});

test("an account gives back what was reserved and not used", () => {
  const used = account();
  used.reserve(80n);
  used.settle(80n, 30n);
  expect([used.settled, used.reserved, used.left]).toEqual([30n, 0n, 70n]);
});

test("an account is idle only without a count and without a holder", () => {
  const held = account();
  held.hold();
  expect(held.isIdle).toBe(false);
  held.letGo();
  expect(held.isIdle).toBe(true);
  held.settle(0n, 1n);
  expect(held.isIdle).toBe(false);
});

test("an account says when its window ends, in wall time", () => {
  const timed = account();
  timed.advance(Date.UTC(2026, 1, 28, 23, 59));
  expect(new Date(timed.endsAtMs ?? 0).toISOString()).toBe("2026-03-01T00:00:00.000Z");
});
