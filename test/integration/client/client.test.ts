import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWeirClient, dataOf, WeirProblem, type ThreadEvent, type WeirClient } from "../../../client/client.ts";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";

let stand: ApiStand;
let client: WeirClient;
beforeAll(async () => {
  stand = await startApi({ api: { streamMs: 1_000, pollIntervalMs: 200, heartbeatMs: 200 } });
  stand.addUser("alice");
  stand.addUser("eve");
  await stand.addAgent("reviewer", { grants: ["github"] });
  await stand.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "user:alice" });
  client = createWeirClient({ url: `${stand.url}/`, token: async () => tokenFor("alice") });
});
afterAll(async () => {
  await client?.close();
  await stand?.close();
});

const namespace = "default";
const open = async (message?: string) => dataOf(await client.api.POST("/v1/namespaces/{namespace}/threads", {
  params: { path: { namespace } }, body: { agent: "reviewer", ...(message === undefined ? {} : { message }) },
})).thread;

describe("the client", () => {
  test("opens, posts, lists and reads by the types of the document", async () => {
    const { name } = await open("one");
    const path = { namespace, thread: name };
    const { message } = dataOf(await client.api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path, header: { "idempotency-key": "k" } }, body: { body: "two" } }));
    expect(message).toMatchObject({ seq: 2, body: "two" });
    const { messages } = dataOf(await client.api.GET("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path, query: { after: 1 } } }));
    expect(messages.map(({ body }) => body)).toEqual(["two"]);
    const { threads } = dataOf(await client.api.GET("/v1/namespaces/{namespace}/threads", { params: { path: { namespace } } }));
    expect(threads.map((thread) => thread.name)).toContain(name);
    const added = await client.api.PUT("/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}", { params: { path: { ...path, relation: "participant", subject: "group:a/b" } } });
    expect(dataOf(added)).toBeUndefined();
    expect((await stand.store.relations("thread", (await stand.store.threadByName(namespace, name))?.uid ?? "")).map(({ subject }) => subject)).toContain("group:a/b");
  });

  test("throws what the API says, if it is asked for the data", async () => {
    const answer = await client.api.GET("/v1/namespaces/{namespace}/threads/{thread}", { params: { path: { namespace, thread: "nothing" } } });
    expect(answer.error).toMatchObject({ error: "access.denied", rule: "thread.see" });
    expect(() => dataOf(answer)).toThrow(WeirProblem);
  });

  test("follows a thread across the ends of its streams, and misses and repeats nothing", async () => {
    const { name } = await open("0");
    const stop = new AbortController();
    const seen: ThreadEvent[] = [];
    const following = (async () => { for await (const event of client.follow({ namespace, name }, { signal: stop.signal })) seen.push(event); })();
    const seqs = () => seen.flatMap((event) => (event.kind === "message" ? [event.message.seq] : []));
    for (let index = 1; index < 8; index += 1) {
      await client.api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path: { namespace, thread: name } }, body: { body: `${index}` } });
      await expect.poll(seqs, { timeout: 8_000, interval: 400 }).toHaveLength(index + 1);
    }
    stop.abort();
    await following;
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seen.some((event) => event.kind === "thread" && event.thread.name === name)).toBe(true);
  });

  test("gives up following what it may not read, and what it may no longer", async () => {
    const { name } = await open();
    const eve = createWeirClient({ url: stand.url, token: tokenFor("eve") });
    const follow = async () => { for await (const event of eve.follow({ namespace, name })) if (event.kind === "message") await remove(); };
    const share = { params: { path: { namespace, thread: name, relation: "participant", subject: "user:eve" } } } as const;
    const remove = async () => client.api.DELETE("/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}", share);
    await expect(follow()).rejects.toMatchObject({ status: 403, problem: { rule: "thread.read" } });
    await client.api.PUT("/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}", share);
    await client.api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path: { namespace, thread: name } }, body: { body: "x" } });
    await expect(follow()).rejects.toMatchObject({ problem: { rule: "thread.read" } });
    await eve.close();
  });
});
