import { expect, test } from "vitest";
import { printAgent, printAgents } from "../../../../cli/cluster/agent-view.ts";
import { readAgent } from "../../../../cli/cluster/resources.ts";
import { recordingIo } from "../../../support/cli.ts";
import { aCondition } from "../../../support/seen-cluster.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const metadata = { name: "reviewer", namespace: "team", creationTimestamp: "2026-01-01T00:00:00Z" };
const ready = readAgent({
  metadata, spec: { image: "i:1", policies: ["p"], grants: ["g", "h"], mcpServers: [{ name: "files", grants: ["f"] }] },
  status: { instances: 1, threads: 3, conditions: [aCondition("Ready", "True", "Ready")] },
});

test("an agent is a line of a table, with its namespace where there are several", () => {
  const [one, all] = [recordingIo(), recordingIo()];
  printAgents([ready], false, one, NOW);
  printAgents([ready, readAgent({ metadata: { ...metadata, name: "new" }, spec: {} })], true, all, NOW);
  expect(one.said().out.split("\n")[1]).toBe("reviewer  True   Ready   1          3        p         g,h     -        60m");
  expect(all.said().out.split("\n").slice(1)).toEqual([
    "team       reviewer  True     Ready    1          3        p         g,h     -        60m", "team       new       Unknown  Pending  0          0        -         -       -        60m",
  ]);
});

test("an agent by itself is its facts, its servers, and what is so and why", () => {
  const io = recordingIo();
  printAgent(ready, io, NOW);
  expect(io.said().out).toContain("name:       team/reviewer\nimage:      i:1\npolicies:   p\ngrants:     g,h\n");
  expect(io.said().out).toContain("MCP SERVER  POLICIES  GRANTS  BUDGETS\nfiles       -         f       -\n");
  expect(io.said().out).toMatch(/^Ready +True +60m +Ready$/m);
});

test("an agent that nobody has looked at says so", () => {
  const io = recordingIo();
  printAgent(readAgent({ metadata, spec: {} }), io, NOW);
  expect(io.said().out).toContain("No controller has looked at it yet");
  expect(io.said().out).toContain("image:      none: an identity for pods that others create");
});
