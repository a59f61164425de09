import { expect, test } from "vitest";
import { RegoInstance } from "../../common/rego/rego-instance.ts";
import { builtinsAt } from "../../proxy/policy/builtins.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { CORRECTED } from "../../proxy/policy/corrected-module.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { hostCalls } from "../../proxy/policy/host-calls.ts";
import { readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { compileProgram } from "../../proxy/policy/wasm-policy.ts";
import { anExchange } from "./questions.ts";

const answer = hostCalls(builtinsAt(() => 0));

/** Builtins that a decision of the library calls outside of its WebAssembly: each takes some tenths of a microsecond, or more. */
async function called(differences: Parameters<typeof anExchange>[0]): Promise<string[]> {
  const data = compileData(policyData.parse({ hosts: [{ name: "api.example.com", paths: ["/v1/**"], agents: ["default/*"] }, { name: "*.example.org" }] }));
  const names: string[] = [];
  const instance = new RegoInstance({
    ...await compileProgram({ ...await readDefaultBundle(), data }), memoryLimitBytes: 16 << 20,
    hostCalls: (id, args, policy) => {
      names.push(CORRECTED.get(id)?.name ?? policy.nameOf(id) ?? `${id}`);
      return answer(id, args, policy);
    },
  });
  instance.evaluate("weir/exchange/decision", JSON.stringify(anExchange(differences)));
  return names;
}

test("a decision of the library by a head hardly leaves its WebAssembly", async () => {
  expect(await called({})).toEqual([]);
  expect(await called({ request: { query: { page: ["1"] } } })).toEqual(["regex.match"]);
  expect(await called({ connection: { name: "a.example.org" } })).toEqual([]);
  expect(await called({ request: { method: "DELETE" } })).toEqual(["sprintf", "sprintf"]);
});
