import { expect, onTestFinished, test, vi, type TestContext } from "vitest";
import { compileFolder } from "../../proxy/policy/compile-policy.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { KillableThread } from "../../proxy/policy/killable-thread.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { ThreadedPolicy } from "../../proxy/policy/threaded-policy.ts";
import { compileProgram } from "../../proxy/policy/wasm-policy.ts";
import { TestClock } from "../support/test-clock.ts";
import { compiler } from "./compiler.ts";
import { anExchange } from "./questions.ts";

/** Stops the whole evaluation at once: what an instance that stopped leaves behind is not used again. */
const STOPS = `package weir.custom.exchange

deny contains {"rule": "stops", "reason": "stops", "hint": ""} if {
	input.request.method == "PUT"
	to_number(input.request.path[0]) > 1000
}
`;
/** Data that take far longer to load than a question may take. */
const BULK = Array.from({ length: 60_000 }, (_, index) => ({ name: `name ${index}`, list: [index, `${index}`, [index, { of: index }]] }));
const DEADLINE_MS = 200;

async function withBulk(context: TestContext, rego: string): Promise<ThreadedPolicy> {
  const opa = compiler(context);
  const data = policyData.parse({ hosts: [{ name: "api.example.com", methods: ["GET"] }], custom: { bulk: BULK } });
  const program = await compileProgram(await compileFolder({ data, rego: new Map([["own.rego", rego]]) }, async () => opa));
  const limits = { deadlineMs: DEADLINE_MS, memoryLimitBytes: 1 << 30 };
  const policy = await ThreadedPolicy.open({ program, limits }, { threads: 2, clock: new TestClock() });
  onTestFinished(async () => policy.close());
  return policy;
}
const ask = (name: string, method: "GET" | "PUT"): PolicyInput => anExchange({ agent: { namespace: name, name: "coder" }, request: { method, path: ["01"] } });

test("a question that fails at once makes nobody else wait for the data to be loaded again", { timeout: 120_000 }, async (context) => {
  const policy = await withBulk(context, STOPS);
  for (const name of ["known", "other"]) await policy.evaluate("exchange", ask(name, "GET"));
  for (let round = 0; round < 6; round += 1) {
    await expect(policy.evaluate("exchange", ask(`wild${round}`, "PUT"))).rejects.toThrow("could not be evaluated");
    expect(await policy.evaluate("exchange", ask(round % 2 === 0 ? "known" : "other", "GET"))).toMatchObject([{ result: { allow: true } }]);
  }
});

test("a policy that is replaced while data are loaded again leaves no thread behind", { timeout: 60_000 }, async (context) => {
  const [starts, kills] = [vi.spyOn(KillableThread, "start"), vi.spyOn(KillableThread.prototype, "kill")];
  onTestFinished(() => { vi.restoreAllMocks(); });
  const policy = await withBulk(context, STOPS);
  await expect(policy.evaluate("exchange", ask("wild", "PUT"))).rejects.toThrow("could not be evaluated");
  await policy.close();
  await vi.waitFor(() => { expect(new Set(kills.mock.contexts).size).toBe(starts.mock.calls.length); }, { timeout: 20_000 });
});
