import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";
import { EventReader } from "../../support/api/event-reader.ts";

const alice = tokenFor("alice");
const THREADS = "/v1/namespaces/default/threads";

let stand: ApiStand;
const readers: EventReader[] = [];
beforeAll(async () => {
  stand = await startApi({ api: { heartbeatMs: 100, pollIntervalMs: 200, waitingPerCaller: 4, streamMs: 60_000 } });
  stand.addUser("alice");
  stand.addUser("bob");
  await stand.addAgent("reviewer");
  await stand.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "user:alice" });
});
afterEach(() => { for (const reader of readers.splice(0)) reader.close(); });
afterAll(async () => { await stand?.close(); });

const open = async () => String(((await stand.call("POST", THREADS, { token: alice, body: { agent: "reviewer" } })).body["thread"] as { name: string }).name);
const post = async (name: string, body: string) => stand.call("POST", `${THREADS}/${name}/messages`, { token: alice, body: { body } });
const follow = (name: string, query = "", headers: Record<string, string> = {}, token = alice) => {
  const reader = new EventReader(`${stand.url}${THREADS}/${name}/events${query}`, { authorization: `Bearer ${token}`, ...headers });
  readers.push(reader);
  return reader;
};
const bodies = (reader: EventReader) => reader.of("message").map(({ data }) => data["body"]);

describe("an event stream", () => {
  test("tells what was said from the beginning, and then as it is said", async () => {
    const name = await open();
    await post(name, "1");
    const reader = follow(name);
    await expect.poll(() => bodies(reader)).toEqual(["1"]);
    expect(reader.of("thread")[0]?.data).toMatchObject({ name, unread: 1 });
    await post(name, "2");
    await expect.poll(() => bodies(reader)).toEqual(["1", "2"]);
    expect(reader.of("message").map(({ id }) => id)).toEqual(["1", "2"]);
    await expect.poll(() => reader.of("thread").at(-1)?.data["unread"]).toBe(2);
  });

  test("goes on where another one ended, by Last-Event-ID before `after`", async () => {
    const name = await open();
    for (let index = 1; index <= 120; index += 1) await post(name, `${index}`);
    const first = follow(name, "?after=100");
    await expect.poll(() => bodies(first)).toEqual(Array.from({ length: 20 }, (_, index) => `${index + 101}`));
    first.close();
    await post(name, "121");
    const second = follow(name, "?after=3", { "last-event-id": "120" });
    await expect.poll(() => bodies(second)).toEqual(["121"]);
    const all = follow(name);
    await expect.poll(() => bodies(all).length).toBe(121);
    expect(all.of("message").map(({ id }) => Number(id))).toEqual(Array.from({ length: 121 }, (_, index) => index + 1));
  });

  test("loses nothing while messages are posted at once and streams break", async () => {
    const name = await open();
    const posting = Promise.all(Array.from({ length: 80 }, async (_, index) => post(name, `${index}`)));
    const seen: number[] = [];
    await expect.poll(async () => {
      const reader = follow(name, `?after=${seen.at(-1) ?? 0}`);
      await expect.poll(() => reader.of("message").length + reader.comments).toBeGreaterThan(0);
      reader.close();
      seen.push(...reader.of("message").map(({ id }) => Number(id)));
      return seen.length;
    }, { timeout: 15_000 }).toBe(80);
    await posting;
    expect(seen).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
  });

  test("shows signs of life while nothing happens", async () => {
    const reader = follow(await open());
    await expect.poll(() => reader.comments).toBeGreaterThan(1);
  });

  test("ends, with the reason, when its permission does", async () => {
    const name = await open();
    await stand.call("PUT", `${THREADS}/${name}/participants/participant/user:bob`, { token: alice });
    const reader = follow(name, "", {}, tokenFor("bob"));
    await post(name, "for both");
    await expect.poll(() => bodies(reader)).toEqual(["for both"]);
    await stand.call("DELETE", `${THREADS}/${name}/participants/participant/user:bob`, { token: alice });
    await post(name, "for alice");
    await expect.poll(() => reader.hasEnded).toBe(true);
    expect(bodies(reader)).toEqual(["for both"]);
    expect(reader.of("problem")[0]?.data).toMatchObject({ error: "access.denied", rule: "thread.read" });
  });

  test("ends when the thread is deleted", async () => {
    const name = await open();
    const reader = follow(name);
    await expect.poll(() => reader.of("thread").length).toBe(1);
    await stand.call("DELETE", `${THREADS}/${name}`, { token: alice });
    await expect.poll(() => reader.hasEnded).toBe(true);
  });

  test("is one of a few: one more is turned away until another ends", async () => {
    const name = await open();
    const few = [follow(name), follow(name), follow(name), follow(name)];
    await expect.poll(() => few.every((reader) => reader.events.length > 0)).toBe(true);
    const fifth = follow(name);
    await expect.poll(() => fifth.status).toBe(429);
    few[0]?.close();
    await expect.poll(async () => {
      const next = follow(name);
      await expect.poll(() => next.status).not.toBe(0);
      return next.status;
    }, { timeout: 5_000 }).toBe(200);
  });

  test("is refused to strangers, and takes no position that is none", async () => {
    const name = await open();
    expect(await stand.call("GET", `${THREADS}/${name}/events`, { token: tokenFor("bob") })).toMatchObject({ status: 403, body: { rule: "thread.read" } });
    for (const position of ["-1", "x", "1.5", "9999999999999999999"]) {
      expect((await stand.call("GET", `${THREADS}/${name}/events`, { token: alice, headers: { "last-event-id": position } })).status).toBe(400);
    }
  });
});

test("streams end after their time, and all of them when the controller stops", async () => {
  const short = await startApi({ api: { heartbeatMs: 100, pollIntervalMs: 100, streamMs: 1_000 } });
  short.addUser("alice");
  await short.addAgent("reviewer");
  await short.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "user:alice" });
  const name = String(((await short.call("POST", THREADS, { token: alice, body: { agent: "reviewer" } })).body["thread"] as { name: string }).name);
  const timed = new EventReader(`${short.url}${THREADS}/${name}/events`, { authorization: `Bearer ${alice}` });
  await expect.poll(() => timed.hasEnded, { timeout: 4_000 }).toBe(true);
  expect(timed.of("problem")).toEqual([]);
  const stopped = new EventReader(`${short.url}${THREADS}/${name}/events`, { authorization: `Bearer ${alice}` });
  await expect.poll(() => stopped.events.length).toBe(1);
  await short.close();
  await expect.poll(() => stopped.hasEnded).toBe(true);
});
