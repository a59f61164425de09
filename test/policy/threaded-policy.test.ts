import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi, type TestContext } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { checkTenant, clusterBundle, clusterSources, compileClusterRego, type TenantPolicy } from "../../proxy/policy/compile-cluster.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { compileFolder } from "../../proxy/policy/compile-policy.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { ReloadingPolicyEngine } from "../../proxy/policy/engine.ts";
import { openEvaluator, openHeldEvaluator } from "../../proxy/policy/open-evaluator.ts";
import type { Opa } from "../../proxy/policy/opa.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { ThreadedPolicy } from "../../proxy/policy/threaded-policy.ts";
import type { Evaluator } from "../../proxy/policy/wasm-policy.ts";
import { TestClock } from "../support/test-clock.ts";
import { compiler } from "./compiler.ts";
import { asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { aConnection, anExchange } from "./questions.ts";

const LIMITS = { deadlineMs: 1_000, memoryLimitBytes: 32 << 20, threads: 2 };
const UNAVAILABLE = expect.objectContaining({ code: "policy.unavailable" });
const exchange = (rule: string) => ({ "mine.rego": `package weir.custom.exchange\n\n${rule}\n` });
/** Would take days: comparisons take time and no memory. */
const ENDLESS = exchange(`deny contains {"rule": "x", "reason": "", "hint": ""} if {
	input.request.method == "PUT"
	some a in data.custom.list
	some b in data.custom.list
	some c in data.custom.list
	c == "nothing"
	a == b
}`);
const LIST = Array.from({ length: 3_000 }, (_, index) => `v${index}`);
const QUICK = exchange('deny contains {"rule": "b.put", "reason": "", "hint": ""} if input.request.method == "PUT"');
const ask = (namespace: string, method = "GET", name = "coder"): PolicyInput => anExchange({ agent: { namespace, name }, request: { method } });
const answered = (allow: boolean, rule?: string) => [{ result: expect.objectContaining({ allow, ...(rule === undefined ? {} : { rule }) }) }];

/** Team a has a policy that never ends where it is asked about PUT, team b one that ends, and team c none with Rego. */
async function aCluster(context: TestContext, clock = new TestClock()): Promise<Evaluator> {
  const opa = compiler(context);
  const written = { a: ENDLESS, b: QUICK, c: {} };
  const policies = await Promise.all(Object.entries(written).map(async ([namespace, rego]): Promise<TenantPolicy> => {
    const checked = await checkTenant({ namespace, name: "web", rego }, opa);
    if (!("sources" in checked)) throw new Error(JSON.stringify(checked));
    return { namespace, name: "web", data: policyData.parse({ hosts: [{ name: "api.example.com", methods: ["GET", "PUT"] }], custom: { list: LIST } }), rego: checked };
  }));
  const holders = Object.fromEntries(Object.keys(written).map((namespace) => [namespace, { coder: [`${namespace}.web`], other: [`${namespace}.web`] }]));
  const cluster = { base: policyData.parse({}), holders, withheld: {}, platform: "weir.internal", policies };
  const evaluator = await openHeldEvaluator(clusterBundle(cluster, await compileClusterRego(clusterSources(policies), opa)), LIMITS, clock);
  onTestFinished(async () => evaluator.close?.());
  return evaluator;
}

/** A policy folder of one machine: no tenants, and Rego of its own. */
async function ofOneMachine(rego: string, opa: Opa): Promise<Evaluator> {
  const folder = { data: policyData.parse({ hosts: [{ name: "api.example.com", methods: ["GET", "PUT"] }], custom: { list: LIST } }), rego: new Map([["own.rego", rego]]) };
  const bundle = await compileFolder(folder, async () => opa);
  const evaluator = await openEvaluator(bundle, LIMITS, new TestClock());
  onTestFinished(async () => evaluator.close?.());
  return evaluator;
}

/** How often this thread gets its turn, once in 10 ms at most, while something goes on: one that is held up never does. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  const over = new AbortController();
  const watching = (async () => {
    for await (const _ of setInterval(10, undefined, { signal: over.signal })) turns += 1;
  })().catch(() => undefined);
  await work.catch(() => undefined);
  over.abort();
  await watching;
  return turns;
}

describe("what was read of a body, judged by data alone", { timeout: 60_000 }, () => {
  const pattern = "a*".repeat(20);
  const globs = Array.from({ length: 40 }, (_, index) => `${pattern}z${index}`);
  const hosts = [{ name: "api.example.com", methods: ["POST"], json: { "/text": { like: globs } }, rule: "patterns" }, { name: "open.example.com" }];
  const ofBody = (name: string, length: number): PolicyInput => ({ ...anExchange({ agent: { namespace: "a", name }, request: { method: "POST" } }), read: { json: null }, json: { text: "a".repeat(length) } });
  const open = async () => {
    const evaluator = await openEvaluator({ ...await readDefaultBundle(), data: compileData(policyData.parse({ hosts })) }, { ...LIMITS, deadlineMs: 250 }, new TestClock());
    onTestFinished(async () => evaluator.close?.());
    return evaluator;
  };

  test("is answered, part by part", async () => {
    const evaluator = await open();
    expect(await evaluator.evaluate("exchange", ofBody("coder", 10))).toEqual(answered(false));
    expect(await evaluator.evaluateAll("exchange", [ofBody("coder", 10), ofBody("coder", 11)])).toEqual([...answered(false), ...answered(false)].map((one) => [one]));
  });

  test("that takes too long costs its own request, and neither this thread nor anybody else", async () => {
    const evaluator = await open();
    await evaluator.evaluate("exchange", ofBody("neighbour", 10));
    const slow = evaluator.evaluate("exchange", ofBody("coder", 4_000_000));
    const turns = turnsDuring(slow);
    expect(await evaluator.evaluate("exchange", ofBody("neighbour", 10))).toEqual(answered(false));
    await expect(slow).rejects.toThrow(UNAVAILABLE);
    expect(await turns).toBeGreaterThan(5);
  });

  test("is one question to threads, and so is a path that is longer than usual; a short one is none", async () => {
    const evaluator = await open();
    const apart = vi.spyOn(ThreadedPolicy.prototype, "evaluate");
    onTestFinished(() => { apart.mockRestore(); });
    for (const path of [["short"], ["x".repeat(513)], Array.from({ length: 60 }, () => "ten-letter")]) await evaluator.evaluate("exchange", anExchange({ request: { path } }));
    expect(apart.mock.calls.map(([, input]) => input.request?.path.length)).toEqual([1, 60]);
  });
});

describe("Rego of tenants", { timeout: 90_000 }, () => {
  test("answers as it would here", async (context) => {
    const evaluator = await aCluster(context);
    expect(await evaluator.evaluate("exchange", ask("a"))).toEqual(answered(true));
    expect(await evaluator.evaluate("exchange", ask("b"))).toEqual(answered(true));
    expect(await evaluator.evaluate("exchange", ask("b", "PUT"))).toEqual(answered(false, "b.put"));
    expect(await evaluator.evaluate("exchange", ask("c", "PUT"))).toEqual(answered(true));
  });

  test("that does not end costs its own request, and neither this thread nor anybody else", async (context) => {
    const evaluator = await aCluster(context);
    const endless = evaluator.evaluate("exchange", ask("a", "PUT"));
    const [ended, others] = [Promise.allSettled([endless]), Promise.all([evaluator.evaluate("exchange", ask("b")), evaluator.evaluate("exchange", ask("c"))])];
    expect(await turnsDuring(endless)).toBeGreaterThan(10);
    expect(await ended).toEqual([{ status: "rejected", reason: UNAVAILABLE }]);
    expect(await others).toEqual([answered(true), answered(true)]);
  });

  test("that had to be ended is not asked again at once, and longer each time; others are", async (context) => {
    const clock = new TestClock();
    const evaluator = await aCluster(context, clock);
    await expect(evaluator.evaluate("exchange", ask("a", "PUT"))).rejects.toThrow(/could not be evaluated/);
    await expect(evaluator.evaluate("exchange", ask("a"))).rejects.toThrow(/asked again in a while/);
    expect(await evaluator.evaluate("exchange", ask("b"))).toEqual(answered(true));
    clock.advance(1_000);
    await expect(evaluator.evaluate("exchange", ask("a", "PUT"))).rejects.toThrow(/could not be evaluated/);
    clock.advance(1_000);
    await expect(evaluator.evaluate("exchange", ask("a"))).rejects.toThrow(/asked again in a while/);
    clock.advance(1_000);
    expect(await evaluator.evaluate("exchange", ask("a"))).toEqual(answered(true));
  });

  test("has one thread for one agent, however much it asks, and leaves the other to others", async (context) => {
    const evaluator = await aCluster(context);
    await evaluator.evaluate("exchange", ask("b"));
    const endless = Array.from({ length: 5 }, async () => evaluator.evaluate("exchange", ask("a", "PUT")));
    const over = Promise.allSettled(endless);
    for (let round = 0; round < 20; round += 1) expect(await evaluator.evaluate("exchange", ask("b"))).toEqual(answered(true));
    const [first] = await Promise.race([over.then(() => ["over"]), Promise.resolve(["still running"])]);
    expect(first).toBe("still running");
    await over;
  });

  test("takes no more than one thread of agents that are known to be quick by other questions alone", async (context) => {
    const evaluator = await aCluster(context);
    for (const name of ["coder", "other"]) await evaluator.evaluate("connection", aConnection({ agent: { namespace: "a", name } }));
    await evaluator.evaluate("exchange", ask("b"));
    const endless = Promise.allSettled([evaluator.evaluate("exchange", ask("a", "PUT")), evaluator.evaluate("exchange", ask("a", "PUT", "other"))]);
    expect(await Promise.race([endless.then(() => "waited for both"), evaluator.evaluate("exchange", ask("b"))])).toEqual(answered(true));
    expect((await endless).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  test("finds agents that were quick before known by the policy that follows", async (context) => {
    const [before, after] = [await aCluster(context), await aCluster(context)];
    await before.evaluate("exchange", ask("b"));
    after.remember?.(before.suspicion!);
    const endless = Promise.allSettled([after.evaluate("exchange", ask("a", "PUT"))]);
    expect(await Promise.race([endless.then(() => "waited for the other"), after.evaluate("exchange", ask("b"))])).toEqual(answered(true));
    await endless;
  });

  test("is not held to be slow for what keeps this thread from reading its answers", async (context) => {
    const evaluator = await aCluster(context);
    for (let round = 0; round < 4; round += 1) {
      const answer = evaluator.evaluate("exchange", ask("b"));
      for (const untilMs = performance.now() + 50; performance.now() < untilMs;) Math.sqrt(untilMs);
      expect(await answer).toEqual(answered(true));
    }
    const endless = Promise.allSettled([evaluator.evaluate("exchange", ask("a", "PUT"))]);
    expect(await Promise.race([endless.then(() => "waited for the other"), evaluator.evaluate("exchange", ask("b"))])).toEqual(answered(true));
    await endless;
  });

  test("finds another thread ready after one was killed", async (context) => {
    const evaluator = await aCluster(context);
    await evaluator.evaluate("exchange", ask("b"));
    await expect(evaluator.evaluate("exchange", ask("a", "PUT"))).rejects.toThrow(UNAVAILABLE);
    const startedMs = performance.now();
    expect(await evaluator.evaluate("exchange", ask("b"))).toEqual(answered(true));
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  test("has what waits refused with it, not kept waiting", async (context) => {
    const evaluator = await aCluster(context);
    const all = await Promise.allSettled(Array.from({ length: 20 }, async () => evaluator.evaluate("exchange", ask("a", "PUT"))));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "rejected"));
  });

  test("that was replaced answers what it was asked before", async (context) => {
    const evaluator = await aCluster(context);
    const asked = Array.from({ length: 10 }, async () => evaluator.evaluate("exchange", ask("b")));
    await evaluator.close?.();
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 10 }, () => answered(true)));
    await expect(evaluator.evaluate("exchange", ask("b"))).rejects.toThrow(/no longer in force/);
  });
});

describe("Rego of one machine's own", { timeout: 90_000 }, () => {
  test("that does not end does not hold up this thread either", async (context) => {
    const evaluator = await ofOneMachine(ENDLESS["mine.rego"], compiler(context));
    expect(await evaluator.evaluate("exchange", ask("default"))).toEqual(answered(true));
    const endless = evaluator.evaluate("exchange", ask("default", "PUT"));
    expect(await turnsDuring(endless)).toBeGreaterThan(10);
    await expect(endless).rejects.toThrow(UNAVAILABLE);
  });

  test.for([
    ["fills its memory", 'count([[a, b, "filling"] | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000)]) == 1'],
    ["answers beyond all measure", 'count(concat("", ["a sentence that is repeated" | some a in numbers.range(1, 300); some b in numbers.range(1, 300)])) > 0'],
  ])("that %s is refused, and its agent waits", async ([, condition], context) => {
    const huge = `deny contains {"rule": "x", "reason": concat("", ["a sentence that is repeated" | some a in numbers.range(1, 300); some b in numbers.range(1, 300)]), "hint": ""} if {\n\tinput.request.method == "PUT"\n\t${condition}\n}`;
    const evaluator = await ofOneMachine(exchange(huge)["mine.rego"], compiler(context));
    expect(await evaluator.evaluate("exchange", ask("default"))).toEqual(answered(true));
    await expect(evaluator.evaluate("exchange", ask("default", "PUT"))).rejects.toThrow(UNAVAILABLE);
    await expect(evaluator.evaluate("exchange", ask("default"))).rejects.toThrow(/asked again in a while/);
    expect(await evaluator.evaluate("exchange", ask("other"))).toEqual(answered(true));
  });
});

describe("a bundle whose data say that most agents hold no Rego", { timeout: 90_000 }, () => {
  const opened = async (context: TestContext, rego: string) => {
    const opa = compiler(context);
    const written = policyData.parse({ hosts: [{ name: "api.example.com", methods: ["GET", "PUT"] }], custom: { list: LIST } });
    const { wasm, data } = await compileFolder({ data: written, rego: new Map([["own.rego", rego]]) }, async () => opa);
    const said = { ...data, egress: { ...(data as { egress: object }).egress, cluster: { holders: { decoy: { agent: ["decoy.policy"] } }, programs: ["decoy.policy"] } } };
    const packed = await writeBundle({ revision: "1", wasm, data: said });
    const parts = { log: silentLog, clock: systemClock, environment: {} };
    const open = async (section: object, more: object) => {
      const engine = await ReloadingPolicyEngine.open(policyConfig.parse({ deadlineMs: LIMITS.deadlineMs, ...section }), { ...parts, ...more });
      onTestFinished(async () => engine.close());
      return engine;
    };
    return {
      fromAnywhere: async () => open({ bundle: join(await aFolder({ "policy.tar.gz": packed }), "policy.tar.gz") }, {}),
      fromTheBoundary: async () => open({}, { held: () => ({ packed, revision: "1" }) }),
    };
  };

  test("is not believed: what does not end does not hold up this thread", async (context) => {
    const engine = await (await opened(context, ENDLESS["mine.rego"])).fromAnywhere();
    const endless = asks(engine, "exchange", ask("default", "PUT"));
    expect(await turnsDuring(endless)).toBeGreaterThan(10);
    await expect(endless).rejects.toThrow(UNAVAILABLE);
  });

  test("is believed of the boundary, which wrote it: the others are answered in this thread", async (context) => {
    const engine = await (await opened(context, QUICK["mine.rego"].replace('"reason": ""', '"reason": "not today"'))).fromTheBoundary();
    const apart = vi.spyOn(ThreadedPolicy.prototype, "evaluate");
    onTestFinished(() => { apart.mockRestore(); });
    expect(await asks(engine, "exchange", ask("default", "PUT"))).toMatchObject({ kind: "deny", rule: "b.put" });
    expect(apart).not.toHaveBeenCalled();
    expect(await asks(engine, "exchange", anExchange({ agent: { namespace: "decoy", name: "agent" } }))).toMatchObject({ kind: "allow" });
    expect(apart).toHaveBeenCalledOnce();
  });
});
