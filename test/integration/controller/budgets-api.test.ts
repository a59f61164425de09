import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountKey } from "../../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../../common/ledger/account.ts";
import { writeWire } from "../../../common/ledger/wire.ts";
import { AMOUNT_LIMIT } from "../../../common/meters.ts";
import type { KnownBudget } from "../../../controller/ledger/known-budgets.ts";
import { startApi, tokenFor, type Answer, type ApiStand } from "../../support/api/api-stand.ts";

let stand: ApiStand;
beforeAll(async () => {
  stand = await startApi();
  for (const name of ["kim", "ann", "root"]) stand.addUser(name, name === "root" ? ["system:masters"] : []);
  for (const verb of ["list", "update"] as const) stand.allowBudgets("kim", verb, "team-a");
  for (const budget of [DAILY, OTHERS, ORG]) stand.budgets.set(budget.id, budget);
});
afterAll(async () => stand.close());

const DAILY: KnownBudget = {
  id: "team-a.daily", namespace: "team-a", name: "daily", meter: "usd", limit: 2_000_000_000n, window: "total", timezone: "UTC", per: "all", parent: "org",
  thresholds: [{ percent: 80, action: "ask" }],
};
const OTHERS: KnownBudget = { ...DAILY, id: "team-b.daily", namespace: "team-b", parent: null, thresholds: [] };
const ORG: KnownBudget = { ...OTHERS, id: "org", namespace: null, name: "org" };

const specOf = ({ id, meter, window, limit, timezone, thresholds }: KnownBudget): AccountSpec =>
  ({ key: accountKey({ budget: id, meter, window, scope: "all", shared: [] }), budget: id, meter, limit, window, timezone, thresholds });
const asNode = async (node: string, call: string, body: unknown): Promise<Answer> =>
  stand.call("POST", `/internal/v1/ledger/${call}`, { token: tokenFor(`proxy-on-${node}`), body: JSON.parse(writeWire(body)) });
const acquire = async (node: string, budget: KnownBudget, need: bigint, { known = 0n, limit = budget.limit, holder = "h" } = {}) =>
  asNode(node, "acquire", { holder, claims: [{ account: { ...specOf(budget), limit }, windowStartMs: known === 0n ? null : 0, known, need, want: need }] });
const as = (name: string) => ({ token: tokenFor(name) });

describe("the ledger", () => {
  test("gives slices to the proxies of all nodes, together no more than the limit", async () => {
    expect(await acquire("node-1", OTHERS, 1_500_000_000n)).toMatchObject({ status: 200, body: { kind: "granted", grants: [{ granted: "1500000000" }] } });
    expect(await acquire("node-2", OTHERS, 600_000_000n)).toMatchObject({ status: 200, body: { kind: "short", shortages: [{ left: "500000000" }] } });
    expect(await acquire("node-2", OTHERS, 500_000_000n)).toMatchObject({ body: { kind: "granted" } });
  });

  test("goes by the limit that the controller knows, whatever a proxy that is behind says of it", async () => {
    expect(await acquire("node-1", ORG, 2_000_000_001n, { limit: 9_000_000_000n })).toMatchObject({ body: { kind: "short", shortages: [{ limit: "2000000000" }] } });
    stand.budgets.set("org", { ...ORG, limit: 10n });
    expect(await acquire("node-1", ORG, 11n)).toMatchObject({ body: { kind: "short", shortages: [{ limit: "10" }] } });
    stand.budgets.set("org", ORG);
  });

  test("gives nothing to a proxy that would charge a team's count under another name or by another window, and counts on", async () => {
    const claimOf = (lie: Partial<AccountSpec>) => ({ holder: "liar", claims: [{ account: { ...specOf(ORG), ...lie }, windowStartMs: null, known: 0n, need: 1n, want: 1n }] });
    const minutes = { key: accountKey({ budget: "org", meter: "usd", window: "minute", scope: "all", shared: [] }), window: "minute" } as const;
    const statuses = [{ budget: "nothing", limit: 9_000_000_000n }, { window: "minute" } as const, minutes, {}].map(async (lie) => (await asNode("node-2", "acquire", claimOf(lie))).status);
    expect(await Promise.all(statuses)).toEqual([400, 400, 409, 200]);
  });

  test("knows holders by their node: a proxy cannot report another's slices, nor see them", async () => {
    await acquire("node-1", ORG, 1_000n, { holder: "mine" });
    const said = { key: specOf(ORG).key, windowStartMs: 0, used: "1000", estimated: "0", returned: "0", isOver: true };
    expect(await asNode("node-2", "report", { holder: "mine", reports: [said] })).toMatchObject({ status: 200, body: { slices: [{ isKnown: false }] } });
    expect(await asNode("node-2", "slices", { holder: "mine" })).toMatchObject({ status: 200, body: [] });
    expect(await asNode("node-1", "slices", { holder: "mine" })).toMatchObject({ body: [{ granted: "1000", used: "0" }] });
    expect(await asNode("node-1", "report", { holder: "mine", reports: [said] })).toMatchObject({ body: { slices: [{ isKnown: true }] } });
  });

  test("tells a proxy how a count stands whose key it names", async () => {
    const { key } = specOf(ORG);
    expect(await asNode("node-2", "standings", { filter: { keys: [key], limit: 1 } })).toMatchObject({ status: 200, body: [{ account: { key }, settled: "1000" }] });
  });

  test.each([
    ["a person", async () => stand.call("POST", "/internal/v1/ledger/slices", { ...as("root"), body: { holder: "h" } }), 403],
    ["nobody", async () => stand.call("POST", "/internal/v1/ledger/slices", { body: { holder: "h" } }), 401],
    ["a proxy that would adjust", async () => asNode("node-1", "adjust", { adjustment: { kind: "reset", budget: "org", by: "", why: "" } }), 403],
    ["a proxy that would see how all stand", async () => asNode("node-1", "standings", { filter: { limit: 10 } }), 403],
    ["a call that there is not", async () => asNode("node-1", "print", {}), 404],
    ["a call of another form", async () => asNode("node-1", "slices", { holder: "../other" }), 400],
  ])("is not for %s", async (_who, call, status) => {
    expect((await call()).status).toBe(status);
  });

  test("is not for an instance, whoever vouches for it", async () => {
    await stand.addAgent("runner");
    const opened = await stand.call("POST", "/v1/namespaces/default/threads", { ...as("root"), body: { agent: "runner" } });
    const { name } = (opened.body as { thread: { name: string } }).thread;
    const pod = await stand.addPod(name, { agent: "runner" });
    expect(await stand.asInstance(pod, "POST", "/internal/v1/ledger/slices", { holder: "h" })).toMatchObject({ status: 403 });
  });
});

describe("people", () => {
  test("see budgets of namespaces where they may list Budgets, with what was counted", async () => {
    await acquire("node-1", DAILY, 250n, { holder: "people" });
    const { status, body } = await stand.call("GET", "/v1/budgets?namespace=team-a", as("kim"));
    expect({ status, body }).toMatchObject({ status: 200, body: { budgets: [{
      id: "team-a.daily", namespace: "team-a", name: "daily", meter: "usd", per: "all", parent: "org", limit: "2000000000",
      counts: [{ of: "", limit: "2000000000", configuredLimit: "2000000000", settled: "0", outstanding: "250", windowEnd: null, waitsAtPercent: null }],
    }] } });
    expect((body as { budgets: unknown[] }).budgets).toHaveLength(1);
  });

  test.each(["/v1/budgets?namespace=team-b", "/v1/budgets", "/v1/budgets?budget=team-b.daily", "/v1/budgets?budget=org"])("do not see %s without the right", async (path) => {
    expect(await stand.call("GET", path, as("kim"))).toMatchObject({ status: 403, body: { rule: "budget.read" } });
    expect(await stand.call("GET", path, as("root"))).toMatchObject({ status: 200 });
  });

  test("see budgets of which nothing was spent too, and counts that no Budget stands for", async () => {
    const account = { ...specOf(ORG), key: accountKey({ budget: "agent.usd", meter: "usd", window: "total", scope: "agent", shared: ["team-a", "writer"] }), budget: "agent.usd" };
    await asNode("node-1", "acquire", { holder: "own", claims: [{ account, windowStartMs: null, known: 0n, need: 5n, want: 5n }] });
    const { body } = await stand.call("GET", "/v1/budgets", as("root"));
    expect(body).toMatchObject({ budgets: [{ id: "agent.usd", namespace: null, limit: null, counts: [{ outstanding: "5" }] }, { id: "org" }, { id: "team-a.daily" }, { id: "team-b.daily" }] });
  });

  test("raise, top up and reset a budget where they may update Budgets", async () => {
    const adjust = async (body: object) => stand.call("POST", "/v1/budgets/team-a.daily/adjust", { ...as("kim"), body });
    expect(await adjust({ kind: "set", limit: "3000000000", why: "month's end" })).toMatchObject({ status: 200, body: { budgets: [{ counts: [{ configuredLimit: "2000000000" }] }] } });
    expect(await acquire("node-1", DAILY, 2_300_000_000n, { known: 250n, holder: "people" })).toMatchObject({ body: { kind: "granted", grants: [{ limit: "2400000000" }] } });
    expect(await adjust({ kind: "topup", amount: "1000" })).toMatchObject({ status: 200, body: { budgets: [{ counts: [{ topUp: "1000" }] }] } });
    expect(await adjust({ kind: "reset" })).toMatchObject({ status: 200, body: { budgets: [{ counts: [{ settled: "0" }] }] } });
  });

  test("do not top up by more than a ledger keeps in all", async () => {
    const topup = async (amount: bigint) => stand.call("POST", "/v1/budgets/team-b.much/adjust", { ...as("root"), body: { kind: "topup", amount: String(amount) } });
    const much = { ...OTHERS, id: "team-b.much", name: "much" };
    stand.budgets.set(much.id, much);
    await acquire("node-1", much, 1n);
    expect(await topup(AMOUNT_LIMIT)).toMatchObject({ status: 200 });
    expect(await topup(1n)).toMatchObject({ status: 422, body: { rule: "budget.amount", reason: expect.stringContaining("the sum is more than a ledger keeps") as string } });
  });

  test.each([
    [{ kind: "set" }, 400], [{ kind: "set", amount: "5" }, 400], [{ kind: "topup", limit: "5" }, 400], [{ kind: "topup", amount: "-5" }, 400], [{ kind: "topup", amount: "9999999999999999999" }, 400],
    [{ kind: "reset", amount: "5" }, 400], [{ kind: "spend" }, 400],
  ])("do not say %j", async (body, status) => {
    expect(await stand.call("POST", "/v1/budgets/team-a.daily/adjust", { ...as("kim"), body })).toMatchObject({ status });
  });

  test("adjust nothing without the right, and nothing that there is not", async () => {
    expect(await stand.call("POST", "/v1/budgets/team-b.daily/adjust", { ...as("kim"), body: { kind: "reset" } })).toMatchObject({ status: 403, body: { rule: "budget.adjust" } });
    expect(await stand.call("POST", "/v1/budgets/org/adjust", { ...as("ann"), body: { kind: "reset" } })).toMatchObject({ status: 403 });
    expect(await stand.call("POST", "/v1/budgets/team-a.gone/adjust", { ...as("kim"), body: { kind: "reset" } })).toMatchObject({ status: 404 });
  });
});
