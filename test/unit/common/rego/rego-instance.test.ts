import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { RegoInstance, type HostCalls } from "../../../../common/rego/rego-instance.ts";
import { I64, op, type WrittenFunction } from "../../../support/wasm-module.ts";
import { writtenPolicy } from "../../../support/wasm-policy.ts";
import { wasmOf } from "../../../../scripts/access-policy.ts";

const ENTRY_POINT = "weir/exchange/decision";
const open = async (wasm: Uint8Array<ArrayBuffer>, parts: { readonly data?: string; readonly hostCalls?: HostCalls } = {}) =>
  new RegoInstance({ module: await WebAssembly.compile(wasm), data: "{}", memoryLimitBytes: 4 << 20, ...parts });
const shipped = async () => open(new Uint8Array(await wasmOf(await readFile("policies/dist/access/bundle.tar.gz"))));

describe("an instance of a policy", () => {
  test("answers by its entry point, again and again", async () => {
    const instance = await shipped();
    for (const action of ["ledger.use", "thread.read", "ledger.use"]) {
      const [answer] = JSON.parse(instance.evaluate("weir/access/decision", JSON.stringify({ action, caller: { kind: "node", node: "n" } }))) as [{ result: object }];
      expect(answer.result).toMatchObject({ allow: action === "ledger.use" });
    }
  });

  test("reads what several inputs have in common once, and answers each", async () => {
    const instance = await shipped();
    const inputs = ["ledger.use", "thread.read"].map((action) => JSON.stringify({ action }));
    const answers = instance.evaluateSharing("weir/access/decision", inputs, { name: "caller", json: '{"kind":"node","node":"n"}' });
    expect(answers.map((answer) => (JSON.parse(answer) as [{ result: { allow: boolean } }])[0].result.allow)).toEqual([true, false]);
  });

  test("has no other entry points than its own", async () => {
    const instance = await shipped();
    expect(instance.entryPoints).toEqual(["weir/access/decision"]);
    for (const name of ["weir/other", "__proto__", "toString"]) expect(() => instance.evaluate(name, "{}")).toThrow(`has no entry point ${name}`);
  });

  test("of another version of the interface is refused", async () => {
    await expect(open(writtenPolicy({}, { opa_wasm_abi_version: 2 }))).rejects.toThrow("a policy of ABI 2.3");
    await expect(open(writtenPolicy({}, { opa_wasm_abi_minor_version: 1 }))).rejects.toThrow("a policy of ABI 1.1");
    expect((await open(writtenPolicy())).evaluate(ENTRY_POINT, "{}")).toBe("[]");
  });
});

describe("a policy that calls its host", () => {
  const calling = writtenPolicy({ opa_eval: { body: [...op.i32(7), ...op.i32(0), ...op.i32(512), ...op.call(0)] } });

  test("is answered by it", async () => {
    const asked: unknown[] = [];
    const instance = await open(calling, { hostCalls: (id, args, policy) => { asked.push(id, args, policy.textOf(args[0] ?? 0)); return policy.valueOf("[1]\0"); } });
    expect(instance.evaluate(ENTRY_POINT, "{}")).toBe("[1]");
    expect(asked).toEqual([7, [512], "[]"]);
  });

  test("fails if its host supplies nothing", async () => {
    const instance = await open(calling);
    expect(() => instance.evaluate(ENTRY_POINT, "{}")).toThrow("calls 7 of its host, which supplies nothing");
  });

  test("fails if it stops itself, with its own words", async () => {
    const instance = await open(writtenPolicy({ opa_eval: { body: [...op.i32(512), ...op.call(1)] } }));
    expect(() => instance.evaluate(ENTRY_POINT, "{}")).toThrow("the policy stopped: []");
  });
});

describe("a policy that points where it has nothing", () => {
  const FAR: readonly (readonly [string, Partial<WrittenFunction>])[] = [
    ["below zero", { body: op.i32(-1) }], ["far below zero", { body: op.i32(-(2 ** 31)) }], ["beyond its memory", { body: op.i32(2 ** 30) }],
    ["to the end of its memory", { body: op.i32(8 * 64 * 1024) }], ["to no address at all", { body: op.i64(5), result: I64 }],
  ];

  test.each(FAR)("%s with its answer fails", async (_, body) => {
    const instance = await open(writtenPolicy({ opa_eval: body }));
    expect(() => instance.evaluate(ENTRY_POINT, "{}")).toThrow(Error);
  });

  test.each(FAR)("%s with room for its data does not open", async (_, body) => {
    await expect(open(writtenPolicy({ opa_malloc: body }))).rejects.toThrow(Error);
  });

  test.each(FAR)("%s with the end of its heap fails, and has not grown beyond its ceiling", async (_, body) => {
    const instance = await open(writtenPolicy({ opa_heap_ptr_get: body }));
    let thrown: unknown = null;
    try {
      instance.evaluate(ENTRY_POINT, "{}".padEnd(5 << 20));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Error);
    expect(instance.memoryBytes).toBeLessThanOrEqual(4 << 20);
  });

  test.each(FAR)("%s with its names does not open", async (_, body) => {
    await expect(open(writtenPolicy({ opa_json_dump: body }))).rejects.toThrow(Error);
  });

  test("fails over an answer that does not end", async () => {
    const instance = await open(writtenPolicy({ opa_eval: { body: op.i32(4096) } }));
    expect(() => instance.evaluate(ENTRY_POINT, "x".repeat(300 << 10))).toThrow("is longer than 262144 bytes");
  });
});
