import { parse } from "yaml";
import { expect, test } from "vitest";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { read } from "../structure/repository.ts";

const examples = [...read("docs/mcp.md").matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);

test("docs/mcp.md shows examples", () => {
  expect(examples.length).toBeGreaterThan(2);
});

test.each(examples)("the example is data that the library takes, and its answers are filtered:\n%s", (text) => {
  const { egress } = compileData(policyData.parse(parse(text)));
  const entries = Object.values(egress.hosts.exact).flat();
  expect(entries.map(({ obligations }) => obligations["filter"])).toEqual(entries.map(() => "mcp"));
});
