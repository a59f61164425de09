import fc from "fast-check";
import { expect, test } from "vitest";
import { accountKey, readAccountKey, type AccountName } from "../../../../common/ledger/account-key.ts";

const agentOf = (shared: readonly string[]): AccountName => ({ budget: "team", meter: "usd", window: "day", scope: "agent", shared });

test("an account's key reads back as what it was made of, whatever is in the names", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (namespace, name) => {
    expect(readAccountKey(accountKey(agentOf([namespace, name])))).toEqual(agentOf([namespace, name]));
  }));
});

test("no two names share a key because they run together", () => {
  expect(accountKey(agentOf(["a", "b.c"]))).not.toBe(accountKey(agentOf(["a.b", "c"])));
});

test.each(["", "null", "[]", "{}", "12", '["team","usd","day","agent","ns"]', '["team","usd","day","everybody"]', '["team", "usd", "day", "all"]'])("%j is no key that we have written", (key) => {
  expect(readAccountKey(key)).toBeNull();
});
