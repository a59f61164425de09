import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExampleStand, START_LIMIT_MS } from "../../support/examples/example-stand.ts";
import type { ServiceAnswer } from "../../support/examples/service.ts";
import { eventually, exchangesOf } from "../../support/whole-proxy.ts";

const STATUS_TOKEN = "canary-of-the-status-service";
const CHAT_TOKEN = "xoxb-canary-of-the-chat";
const status: ServiceAnswer = ({ path }) => ({ body: path === "/services/billing" ? { healthy: false, detail: "3 of 5 replicas" } : { healthy: true } });
let chatTakes = true;

let stand: ExampleStand;
beforeAll(async () => {
  stand = await ExampleStand.start({
    example: "playbook", secrets: { status: { token: STATUS_TOKEN }, chat: { token: CHAT_TOKEN } },
    services: { "status.example.com": status, "slack.com": () => ({ body: chatTakes ? { ok: true } : { ok: false, error: "channel_not_found" } }) },
  });
}, START_LIMIT_MS);
afterAll(async () => { await stand?.stop(); });

const chat = () => stand.services.get("slack.com")!.requests;

/** Starts what the thread spawned, as the reconciler would, and says which thread that is. */
async function startChild(parent: string): Promise<string> {
  const children = async () => (await stand.threads()).filter(({ spec }) => (spec as { parent?: { name: string } }).parent?.name === parent);
  await eventually(`${parent} has a child`, async () => (await children()).length > 0);
  const [child] = await children();
  expect(child?.["spec"]).toMatchObject({ agent: "notifier", user: "ann", grants: ["chat"], chain: [`agents/service-runner/${parent}`] });
  const { name } = child!.metadata;
  await stand.startInstance(name, { stage: "notifier" });
  return name;
}

describe("examples/playbook", () => {
  test("a job that succeeds is answered, and nobody else is told", async () => {
    const thread = await stand.openThread("service-runner", "search");
    await stand.startInstance(thread, { stage: "service-runner" });
    expect(await stand.answers(thread)).toEqual(["Done: search is healthy"]);
    expect(stand.services.get("status.example.com")?.requests.at(-1)?.headers.authorization).toBe(`Bearer ${STATUS_TOKEN}`);
    expect(chat()).toEqual([]);
  });

  test("a job that fails spawns a notifier with nothing but the chat's token, which tells the chat; the audit names the whole chain", async () => {
    const thread = await stand.openThread("service-runner", "billing");
    const runner = await stand.startInstance(thread, { stage: "service-runner" });
    const child = await startChild(thread);
    expect(await stand.answers(thread)).toEqual(["Failed: billing is not healthy: 3 of 5 replicas (exit code 1)\nThe notifier says: told #incidents"]);
    expect(chat()).toHaveLength(1);
    expect(chat()[0]?.headers.authorization).toBe(`Bearer ${CHAT_TOKEN}`);
    expect(JSON.parse(chat()[0]!.body)).toEqual({ channel: "#incidents", text: 'The job "billing" failed: billing is not healthy: 3 of 5 replicas (exit code 1)' });
    const posted = exchangesOf(stand.cluster.records, "decided").find(({ decision }) => decision?.rule === "chat.post");
    expect(posted?.agent).toMatchObject({ name: "notifier", thread: child, user: "ann", chain: [`agents/service-runner/${thread}`] });
    const seen = JSON.stringify([stand.cluster.records, stand.instances.map((each) => [each.environment, each.output()])]);
    for (const token of [CHAT_TOKEN, STATUS_TOKEN]) expect(seen).not.toContain(token);
    // Deleted: the leader, whom there is none of here, takes the finalizer off.
    const isOver = async () => (await stand.threads()).every(({ metadata }) => metadata.name !== child || metadata.deletionTimestamp !== undefined);
    await eventually("the notifier's thread is over", isOver);
    await runner.stop();
  });

  test("a chat that does not take the message is no success", async () => {
    chatTakes = false;
    const thread = await stand.openThread("service-runner", "billing");
    await stand.startInstance(thread, { stage: "service-runner" });
    await startChild(thread);
    expect((await stand.answers(thread))[0]).toContain("The notifier says: could not tell #incidents: 200 channel_not_found");
    chatTakes = true;
  });

  test("the runner itself cannot reach the chat, and the notifier cannot ask for the status", async () => {
    const thread = await stand.openThread("service-runner");
    const runner = await stand.startInstance(thread, { stage: "service-runner", program: null });
    const before = chat().length;
    expect(await stand.cluster.ask(runner.caller, "POST", "https://slack.com/api/chat.postMessage").catch(() => "refused")).toSatisfy(isRefused);
    const notifier = await stand.startInstance(await stand.openThread("notifier"), { program: null });
    expect(await stand.cluster.ask(notifier.caller, "GET", "https://status.example.com/services/billing").catch(() => "refused")).toSatisfy(isRefused);
    expect(chat()).toHaveLength(before);
  });
});

function isRefused(answer: unknown): boolean {
  return answer === "refused" || (answer as { status: number }).status === 403;
}
