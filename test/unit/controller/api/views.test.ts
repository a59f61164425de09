import { expect, test } from "vitest";
import { viewOfAgent, viewOfMessage, viewOfThread } from "../../../../controller/api/views.ts";
import { anAgent, aThread } from "../../../support/thread-facts.ts";

test("an agent is shown with what it may do, and without what is in its environment", () => {
  const agent = anAgent({ grants: ["chat"], env: [{ name: "INTERNAL", value: "canary" }], spawn: [{ agent: "notifier", grants: ["chat"], maxThreads: 3 }] });
  const view = viewOfAgent(agent);
  expect(view).toMatchObject({ namespace: "team", name: "helper", grants: ["chat"], spawns: [{ agent: "notifier", grants: ["chat"], maxThreads: 3 }], idleTimeout: "5m" });
  expect(JSON.stringify(view)).not.toContain("canary");
});

test("of a thread what is not known is null, never left out", () => {
  expect(viewOfThread(aThread(), 0, undefined)).toEqual({
    namespace: "team", name: "one", uid: "thread-1", agent: "helper", user: "ada@example.com", title: null, parent: null, chain: [], grants: null, allowance: null,
    phase: null, instance: null, unread: 0, createdAt: "1970-01-01T00:00:00.000Z", lastActivityAt: null,
  });
});

test("a thread that was given no grants is not one that was not narrowed", () => {
  expect([viewOfThread(aThread({ grants: [] }), 0, undefined).grants, viewOfThread(aThread(), 0, undefined).grants]).toEqual([[], null]);
});

test("a message shows its times in UTC, and nothing of the store's", () => {
  const message = { id: "m", threadUid: "internal", seq: 1, sender: { role: "user", name: "ann" }, isForAgent: true, body: "x", acceptedAtMs: 1, acknowledgedAtMs: null } as const;
  expect(viewOfMessage(message)).toEqual({ id: "m", seq: 1, sender: { role: "user", name: "ann" }, isForAgent: true, body: "x", acceptedAt: "1970-01-01T00:00:00.001Z", acknowledgedAt: null });
});
