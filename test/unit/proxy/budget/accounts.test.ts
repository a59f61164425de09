import { expect, test } from "vitest";
import { readAccountKey } from "../../../../common/ledger/account-key.ts";
import { accountsOf } from "../../../../proxy/budget/accounts.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";

const AGENT: AgentIdentity = {
  namespace: "team", name: "coder", thread: "t7", instance: "u", user: "ada", labels: {}, chain: ["team/lead/t1"], allowance: { usd: "2" }, chainAllowances: [{ usd: "5", tokens: "9" }],
};
const counts = (agent: AgentIdentity) => accountsOf([], agent).map(({ spec: { key, limit } }) => [readAccountKey(key)?.budget, readAccountKey(key)?.shared.join("/"), limit]);

test("an allowance is a count of the thread's own, and so are those of the threads above it", () => {
  expect(counts(AGENT)).toEqual([
    ["thread.allowance.usd", "team/coder/t7", 2n], ["thread.allowance.usd", "team/lead/t1", 5n], ["thread.allowance.tokens", "team/lead/t1", 9n],
  ]);
});

test("a container with an identity of its own spends the allowance of the agent beside it, and no second one", () => {
  expect(counts({ ...AGENT, name: "coder.search" })).toEqual(counts(AGENT));
});
