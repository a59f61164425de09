import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import type { Decision } from "../../proxy/model/decision.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { DecisionMemory, LIBRARY_READS } from "../../proxy/policy/decision-memory.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { librarySources, readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { ThreadedPolicy } from "../../proxy/policy/threaded-policy.ts";
import { WasmPolicy } from "../../proxy/policy/wasm-policy.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { GOLDEN_DATA, goldenQuestions } from "./golden/questions.ts";
import { anExchange } from "./questions.ts";

const DATA = policyData.parse(GOLDEN_DATA);
const config = policyConfig.parse({ data: DATA, deadlineMs: 2_000 });

/** Of the shipped library, or of a policy of somebody's own, which is evaluated in threads. */
function evaluations(of: typeof WasmPolicy | typeof ThreadedPolicy = WasmPolicy) {
  const spy = vi.spyOn(of.prototype as WasmPolicy, "evaluate");
  onTestFinished(() => { spy.mockRestore(); });
  return spy;
}

/** What is read of a body is never remembered. */
const OF_BODY = /^input\.(?:read|llm|mcp|graphql|json)(?:\.|$)/;

/** The same question with everything changed that the library does not read. */
function elsewhen(input: PolicyInput): PolicyInput {
  const { agent, connection, request } = input;
  return {
    ...input, agent: { ...agent, thread: "other", user: "other", labels: { other: "x" }, chain: ["other"] },
    ...(connection === undefined ? {} : { connection: { ...connection, sni: "other.test", alpn: [...connection.alpn.filter((name) => name === "postgresql"), "other"] } }),
    ...(request === undefined ? {} : { request: { ...request, headers: { other: "x" } } }),
    budgets: { other: { limit: 1, spent: 1, reserved: 0 } }, time: "2031-05-05T05:05:05.000Z",
  };
}

/** An ask carries the allow that it becomes, with a revision of its own. */
function withoutRevision(decision: Decision): object {
  return JSON.parse(JSON.stringify(decision, (key, value: unknown) => (key === "revision" ? undefined : value))) as object;
}

/** A policy that decides as the library does but is not it: the same code behind a custom section. */
async function aPolicyOfSomebodysOwn() {
  const { wasm } = await readDefaultBundle();
  const own = new Uint8Array(Buffer.concat([wasm, Buffer.from([0, 4, 3, 0x6f, 0x77, 0x6e])]));
  const folder = await aFolder({ "own.tar.gz": await writeBundle({ revision: "own", wasm: own, data: compileData(DATA) }) });
  return policyConfig.parse({ bundle: join(folder, "own.tar.gz"), deadlineMs: 2_000 });
}

describe("the memory of decisions", () => {
  test("answers each golden question as the policy does, whatever else is in the input", async () => {
    const [remembering, asking] = [await anEngine(config), await anEngine(await aPolicyOfSomebodysOwn())];
    for (const { question, input } of goldenQuestions()) {
      const asked = withoutRevision(await asks(asking, question, input));
      for (const again of [input, input, elsewhen(input)]) expect(await asks(remembering, question, again)).toMatchObject(asked);
    }
  });

  test("spares the evaluation of what was asked before, and of nothing else", async () => {
    const engine = await anEngine(config);
    const spy = evaluations();
    await asks(engine, "exchange", anExchange());
    await asks(engine, "exchange", elsewhen(anExchange()));
    expect(spy).toHaveBeenCalledTimes(1);
    const others = [{ method: "POST" }, { path: ["v1", "other"] }, { path: ["v1/models"] }, { upgrade: "websocket" as const }, { scheme: "http" as const }, { has_body: true }, { query: { service: ["git-receive-pack"] } }];
    for (const request of others) await asks(engine, "exchange", anExchange({ request }));
    for (const agent of [{ name: "other" }, { namespace: "other" }]) await asks(engine, "exchange", anExchange({ agent }));
    for (const connection of [{ name: "other.test" }, { port: 8443 }, { wire: "http" as const }, { is_address: true }]) await asks(engine, "exchange", anExchange({ connection }));
    await asks(engine, "connection", anExchange());
    expect(spy).toHaveBeenCalledTimes(1 + others.length + 2 + 4 + 1);
  });

  test("is not there for a policy that may read more than the library does", async () => {
    const engine = await anEngine(await aPolicyOfSomebodysOwn());
    const spy = evaluations(ThreadedPolicy);
    for (let count = 0; count < 3; count += 1) await asks(engine, "exchange", anExchange());
    expect(spy).toHaveBeenCalledTimes(3);
  });

  test("does not keep a failure", async () => {
    const engine = await anEngine(config);
    const spy = evaluations();
    spy.mockResolvedValueOnce([{ result: { allow: "true" } }]);
    await expect(asks(engine, "exchange", anExchange())).rejects.toMatchObject({ code: "policy.unavailable" });
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ kind: expect.stringMatching(/^(?:allow|deny)$/) });
    expect(spy).toHaveBeenCalledTimes(2);
  });

  test("forgets the oldest, and keeps nothing long", () => {
    const memory = new DecisionMemory();
    const decision = { kind: "deny", rule: "r", reason: "x", hint: "", revision: "1" } as const;
    for (let count = 0; count <= 1_024; count += 1) memory.keep(`key ${count}`, decision);
    expect([memory.recall("key 0"), memory.recall("key 1"), memory.recall("key 1024")]).toEqual([undefined, decision, decision]);
    expect(memory.keyOf("exchange", anExchange({ request: { path: ["x".repeat(2_000)] } }))).toBeNull();
  });
});

describe("the shipped library", () => {
  test("reads the fields by which decisions are remembered, and no others; neither clock nor chance", async () => {
    const files = (await readdir(librarySources())).filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego"));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const code = (await readFile(join(librarySources(), file), "utf8")).replaceAll(`object.get(input.request, "has_body", null)`, "input.request.has_body").replaceAll(/#.*$/gm, "").replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
      const reads = [...code.matchAll(/(?<![.\w])input\b(?:\.\w+)*/g)].map(([read]) => read);
      expect(reads.filter((read) => !LIBRARY_READS.includes(read) && !OF_BODY.test(read)), file).toEqual([]);
      expect(code, file).not.toMatch(/\b(?:time|rand|uuid|http|opa|net\.lookup_ip_addr|walk|with)\b[.(\s]/);
    }
  });
});
