import { expect, test } from "vitest";
import { printReach, printRefusals, printThreadExplanation } from "../../../../cli/cluster/print-explanation.ts";
import { recordingIo } from "../../../support/cli.ts";
import { aCondition } from "../../../support/seen-cluster.ts";

const reach = {
  agent: "team/reviewer", request: "GET https://api.github.com/", revision: "r1", isAllowed: true, rule: "github.read", reason: "policy allows it", hint: "", grants: ["team.github"],
  budgets: [], steps: ["allow (name) by rule github.read"], conditions: [],
};
const thread = {
  thread: "team/t", agent: "reviewer", phase: "Waiting", instance: null, reason: "ImagePullFailed", message: "no such image", hint: "Mend it.", unread: 1, attempts: 2,
  nextAttemptAt: "2026-01-01T00:01:00Z", conditions: [], agentConditions: [], containers: ["agent: waits\u001b[2J"],
};

test("what an agent may reach is said first, then why and by what", () => {
  const io = recordingIo();
  printReach(reach, io);
  expect(io.said().out.split("\n")).toEqual([
    "may  team/reviewer: GET https://api.github.com/", "rule:     github.read", "reason:   policy allows it", "lends:    team.github", "boundary: r1", "", "allow (name) by rule github.read",
  ]);
});

test("what it may not reach comes with the hint, and with what the Agent says of itself", () => {
  const io = recordingIo();
  printReach({ ...reach, isAllowed: false, hint: "Ask.", conditions: [{ ...aCondition("Ready", "False", "RefNotFound", "not found: p"), type: "Ready", status: "False", reason: "RefNotFound", message: "not found: p", lastTransitionTime: "" }] }, io);
  expect(io.said().out).toMatch(/^may not {2}team\/reviewer[^]*hint: +Ask\.[^]*Of the Agent:\n.*\nReady +False +- +RefNotFound +not found: p$/);
});

test("a thread's facts are followed by the containers that do not run", () => {
  const io = recordingIo();
  printThreadExplanation(thread, io);
  expect(io.said().out).toContain("because:       ImagePullFailed: no such image\nmend:          Mend it.\nfailed starts: 2 in a row, the next at 2026-01-01T00:01:00Z\n");
  expect(io.said().out).toContain("Containers that do not run:\n  agent: waits?[2J");
});

test("what was refused is one line each, with its id", () => {
  const io = recordingIo();
  printRefusals([{
    kind: "name", timeMs: 0, agent: null, queryId: "q1", connectionId: "c1", name: "evil.example", type: "A", answer: null, outcome: "denied",
    error: { code: "policy.denied", detail: "", rule: "hosts.default", reason: "no entry names it" },
  }], io);
  expect(io.said().out).toBe("  1970-01-01T00:00:00Z  q1  name evil.example (A): denied [hosts.default] no entry names it");
});
