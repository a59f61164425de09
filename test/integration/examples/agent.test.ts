import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchangesOf } from "../../support/whole-proxy.ts";
import { ExampleStand, START_LIMIT_MS } from "../../support/examples/example-stand.ts";

const GITHUB_TOKEN = "ghp_CanaryOfTheReadingAgent000000000000";

let stand: ExampleStand;
beforeAll(async () => {
  stand = await ExampleStand.start({
    example: "agent", secrets: { github: { token: GITHUB_TOKEN } },
    services: { "api.github.com": ({ path }) => (path === "/repos/o/r/issues/7" ? { body: { title: "It leaks", state: "open" } } : { status: 404, body: { message: "Not Found" } }) },
  });
}, START_LIMIT_MS);
afterAll(async () => { await stand?.stop(); });

describe("examples/agent", () => {
  test("answers from an API that it reaches with a token that it never sees, and the record names its thread", async () => {
    const thread = await stand.openThread("reader", "o/r#7");
    const instance = await stand.startInstance(thread);
    expect(await stand.answers(thread)).toEqual(["o/r#7: It leaks (open)"]);
    expect(stand.services.get("api.github.com")?.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${GITHUB_TOKEN}`]);
    expect(JSON.stringify([instance.environment, instance.output()])).not.toContain(GITHUB_TOKEN);
    const record = exchangesOf(stand.cluster.records, "decided").find(({ decision }) => decision?.rule === "github.read-issues");
    expect(record?.agent).toMatchObject({ namespace: "agents", name: "reader", thread, user: "ann", pod: instance.pod.metadata.name });
    expect(await instance.stop()).toBe(0);
  });

  test("takes messages in their order, acknowledges each, and says what was refused and why", async () => {
    const thread = await stand.openThread("reader", "o/r#8");
    await stand.post(thread, "hello");
    const instance = await stand.startInstance(thread);
    expect(await stand.answers(thread, 2)).toEqual(["o/r#8: 404 Not Found", "Name an issue, such as nodejs/node#1."]);
    await stand.post(thread, "../user#1");
    expect((await stand.answers(thread, 3))[2]).toMatch(/^\.\.\/user#1: 403 .+/);
    await expect.poll(async () => (await stand.messages(thread)).filter(({ isForAgent, acknowledgedAt }) => isForAgent && acknowledgedAt === null)).toEqual([]);
    await instance.stop();
  });

  test("ends with success when its thread is deleted, because there is nothing left to do", async () => {
    const thread = await stand.openThread("reader");
    const { process: child } = await stand.startInstance(thread);
    const exited = new Promise<number | null>((resolve) => { child?.once("exit", resolve); });
    await stand.client.api.DELETE("/v1/namespaces/{namespace}/threads/{thread}", { params: { path: { namespace: "agents", thread } } });
    expect(await exited).toBe(0);
  });
});
