import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { BoundaryKeeper } from "../../../../proxy/cluster/boundary-keeper.ts";
import { BoundaryHoldings } from "../../../../proxy/cluster/holdings.ts";
import { openLender } from "../../../../proxy/credentials/lender.ts";
import { LiveSet } from "../../../../proxy/model/live.ts";
import { policyConfig } from "../../../../proxy/policy/config.ts";
import { ReloadingPolicyEngine } from "../../../../proxy/policy/engine.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { aBoundary } from "../../../support/boundaries.ts";
import { AN_AGENT, credentialSettings } from "../../../support/credentials.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { Secret } from "../../../../common/secret.ts";

const CODER = { ...AN_AGENT, namespace: "agents", name: "coder" };
const NEVER = new AbortController().signal;
const PLATFORM = { address: "10.0.0.1", port: 8443 };
const VAULT = { address: "http://127.0.0.1:8200", tokenFile: "/nowhere" };
let caPem: string;
let folder: string;

beforeAll(async () => { ({ caPem } = await mintAuthority()); });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-boundary-"));
  writeFileSync(join(folder, "ca.pem"), caPem);
});
afterEach(() => { rmSync(folder, { recursive: true }); });

/** The real rooms that a boundary changes; only where a name leads is noted instead of dialled. */
async function stage() {
  const events: string[] = [];
  const pins: unknown[] = [];
  const holdings = new BoundaryHoldings();
  const keeper = new BoundaryKeeper({
    log: silentLog, holdings, file: join(folder, "state", "boundary.json"), controllerCaFile: join(folder, "ca.pem"),
    onEvent: ({ event, fields }) => { events.push(`${event} ${String(fields["revision"] ?? fields["error"])}`); },
  });
  const policy = await ReloadingPolicyEngine.open(policyConfig.parse({}), { log: silentLog, clock: systemClock, environment: {}, held: () => keeper.heldBundle() });
  const credentials = openLender({ grants: {}, credentials: credentialSettings({ vault: VAULT }) }, { environment: {}, identityTokenFile: "/nowhere" }, systemClock);
  const budget = testLedger(budgetConfig.parse({}), systemClock);
  const live = new LiveSet();
  await keeper.join({ policy, credentials, budget, live, upstream: { pin: (name, port, to) => { pins.push([name, port, to?.address ?? null]); } } });
  const connection = { name: "api.example.test", is_address: false, port: 443, wire: "tls", sni: null, alpn: [] } as const;
  const input: PolicyInput = { version: 1, agent: CODER, connection, budgets: {}, time: "" };
  const isAllowed = async () => (await policy.decide("connection", input, NEVER)).kind === "allow";
  return { keeper, holdings, policy, budget, credentials, live, events, pins, isAllowed };
}

const HOSTS = [{ name: "api.example.test" }];
const AGENTS = { "agents/coder": { grants: ["agents.github"], budgets: ["agents.day"] } };
const GITHUB = { credential: { type: "vault", path: "agents/github" }, bind: { hosts: ["api.example.test"] } };
const first = async () => aBoundary({ revision: "r1", hosts: HOSTS, agents: AGENTS, grants: { "agents.github": GITHUB }, budgets: { "agents.day": { meter: "requests", limit: 2 } }, platform: PLATFORM });

describe("the boundary", () => {
  test("denies everything before there is one", async () => {
    const { isAllowed, keeper, holdings } = await stage();
    expect(await isAllowed()).toBe(false);
    expect(keeper.state).toMatchObject({ revision: null, trouble: null });
    expect(() => holdings.of(CODER)).toThrow(/./);
  });

  test("comes into force in all rooms at once, under its own revision", async () => {
    const { keeper, policy, budget, holdings, isAllowed, pins, events } = await stage();
    const seen: unknown[] = [];
    policy.onChange(() => { seen.push(policy.revision, Object.keys(budget.standing(CODER)), holdings.of(CODER)?.budgets, pins.at(-1)); });
    await keeper.take(await first());
    expect(seen).toEqual(["r1", ["agents.day"], ["agents.day"], ["weir.internal", 443, "10.0.0.1"]]);
    expect(await isAllowed()).toBe(true);
    expect(keeper.state).toEqual({ revision: "r1", agents: 1, platform: PLATFORM, trouble: null });
    expect(events).toEqual(["boundary.applied r1"]);
  });

  test("that is the same as before changes nothing", async () => {
    const { keeper, events } = await stage();
    await keeper.take(await first());
    await keeper.take(await first());
    expect(events).toHaveLength(1);
  });

  test("that is not fit leaves the last one in force, and says why", async () => {
    const { keeper, isAllowed, events, holdings, budget } = await stage();
    await keeper.take(await first());
    const bad = [
      await aBoundary({ revision: "r2", bundle: Buffer.from("no bundle") }),
      await aBoundary({ revision: "r2", platform: { address: "controller", port: 1 } }),
      { metadata: { name: "weir-boundary" }, binaryData: {} },
    ];
    for (const object of bad) await keeper.take(object);
    expect(events.slice(1).map((event) => event.split(" ", 1)[0])).toEqual(["boundary.refused", "boundary.refused", "boundary.refused"]);
    expect(keeper.state).toMatchObject({ revision: "r1", agents: 1, trouble: expect.stringContaining("not the ConfigMap") as string });
    expect(await isAllowed()).toBe(true);
    expect(holdings.of(CODER)).not.toBeNull();
    expect(Object.keys(budget.standing(CODER))).toEqual(["agents.day"]);
    await keeper.take(await aBoundary({ revision: "r3", hosts: [] }));
    expect(await isAllowed()).toBe(false);
    expect(keeper.state.trouble).toBeNull();
  });

  test("is not put in force without the controller's CA", async () => {
    const { keeper, isAllowed } = await stage();
    writeFileSync(join(folder, "ca.pem"), "none");
    await keeper.take(await first());
    expect(await isAllowed()).toBe(false);
    expect(keeper.state.trouble).toMatch(/no PEM certificate/);
  });

  test("that is deleted stays in force", async () => {
    const { keeper, isAllowed } = await stage();
    await keeper.take(await first());
    await keeper.take(null);
    expect(await isAllowed()).toBe(true);
    expect(keeper.state).toMatchObject({ revision: "r1", trouble: expect.stringContaining("is gone") as string });
  });

  test("leaves out a grant and a budget that are not fit, and nothing else", async () => {
    const { keeper, isAllowed, budget, credentials } = await stage();
    await keeper.take(await aBoundary({
      revision: "r1", hosts: HOSTS, agents: AGENTS,
      grants: { "agents.github": GITHUB, "agents.file": { ...GITHUB, credential: { type: "file", path: "/etc/shadow" } }, "agents.me": { credential: { type: "identity" }, bind: { hosts: ["weir.internal"] } } },
      budgets: { "agents.day": { meter: "requests", limit: 2 }, "agents.odd": { meter: "euros", limit: 2 } },
    }));
    expect(await isAllowed()).toBe(true);
    expect(keeper.state.trouble).toMatch(/agents\.file.*agents\.me.*agents\.odd/);
    expect(Object.keys(budget.standing(CODER))).toEqual(["agents.day"]);
    const head = { httpVersion: "1.1", method: "GET", scheme: "https", host: "api.example.test", port: 443, path: "/", segments: [], query: null, headers: [], framing: { kind: "none" }, expectsContinue: false, upgrade: null } as const;
    await expect(credentials.lend(["agents.file"], { agent: CODER, token: new Secret("token") }, head, NEVER)).rejects.toMatchObject({ code: "credential.unavailable", message: expect.stringContaining("not configured") as string });
  });

  test("that no longer knows an agent ends what that agent holds", async () => {
    const { keeper, live } = await stage();
    await keeper.take(await first());
    const ends: string[] = [];
    live.add({ agent: CODER, reconsider: async () => {}, end: (reason) => { ends.push(reason.message); } });
    await keeper.take(await aBoundary({ revision: "r2", hosts: HOSTS }));
    expect(ends).toEqual(["the agent is no longer part of the boundary"]);
  });

  test("of the newest document wins, whatever came in between", async () => {
    const { keeper, events } = await stage();
    const documents = await Promise.all(["r1", "r2", "r3", "r4"].map(async (revision) => aBoundary({ revision })));
    await Promise.all(documents.map(async (document) => keeper.take(document)));
    expect(keeper.state.revision).toBe("r4");
    expect(events.at(-1)).toBe("boundary.applied r4");
  });
});

describe("the kept boundary", () => {
  test("is in force after a restart without anybody to ask", async () => {
    await (await stage()).keeper.take(await first());
    const again = await stage();
    expect(again.keeper.state).toMatchObject({ revision: "r1", trouble: null });
    expect(await again.isAllowed()).toBe(true);
    await again.policy.reload();
    expect(await again.isAllowed()).toBe(true);
    expect(statSync(join(folder, "state", "boundary.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "state"))).toEqual(["boundary.json"]);
  });

  test("is never one that was refused", async () => {
    const one = await stage();
    await one.keeper.take(await first());
    await one.keeper.take(await aBoundary({ revision: "r2", bundle: Buffer.from("no bundle") }));
    expect((await stage()).keeper.state.revision).toBe("r1");
  });

  test("that is damaged counts as none: everything is refused until there is news", async () => {
    await (await stage()).keeper.take(await first());
    writeFileSync(join(folder, "state", "boundary.json"), "{");
    const again = await stage();
    expect(await again.isAllowed()).toBe(false);
    expect(again.keeper.state.trouble).toMatch(/the kept boundary/);
    await again.keeper.take(await first());
    expect(await again.isAllowed()).toBe(true);
  });
});
