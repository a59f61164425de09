import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";

const ci = tokenFor("ci");
const EVENTS = "/v1/namespaces/default/cloudevents";
const THREADS = "/v1/namespaces/default/threads";
const anEvent = (over: object = {}) => ({ specversion: "1.0", id: "1", source: "/ci/main", type: "build.failed", agent: "runner", subject: "main", datacontenttype: "application/json", data: { job: 7 }, ...over });
const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };

let stand: ApiStand;
beforeAll(async () => {
  stand = await startApi();
  stand.addUser("ci");
  stand.addUser("eve");
  await stand.addAgent("runner");
  await stand.store.relate({ objectKind: "agent", object: "default/runner", relation: "participant", subject: "user:ci" });
});
afterAll(async () => { await stand?.close(); });

const send = async (body: unknown, headers: Record<string, string> = structured, token = ci) => stand.call("POST", EVENTS, { token, body, headers });
const bodiesIn = async (thread: string) => ((await stand.call("GET", `${THREADS}/${thread}/messages`, { token: ci })).body["messages"] as { body: string }[]).map(({ body }) => JSON.parse(body) as object);
const firstOf = (answer: { body: Record<string, unknown> }) => (answer.body["events"] as { thread: string; isNew: boolean; message: string }[])[0]!;

describe("a CloudEvent", () => {
  test("in structured mode opens a thread for its agent and subject, and the next of that subject goes there too", async () => {
    const first = await send(anEvent({ id: "s1", subject: "structured" }));
    expect(first).toMatchObject({ status: 200, body: { events: [{ source: "/ci/main", id: "s1", isNew: true }] } });
    const second = await send(anEvent({ id: "s2", subject: "structured" }));
    expect(firstOf(second).thread).toBe(firstOf(first).thread);
    expect(await bodiesIn(firstOf(first).thread)).toEqual([anEvent({ id: "s1", subject: "structured" }), anEvent({ id: "s2", subject: "structured" })]);
  });

  test("that comes again is not posted again, whatever it says now", async () => {
    const first = firstOf(await send(anEvent({ id: "r", subject: "replay" })));
    const again = firstOf(await send(anEvent({ id: "r", subject: "replay", data: { job: "forged" } })));
    expect(again).toEqual({ ...first, isNew: false });
    expect(firstOf(await send(anEvent({ id: "r", source: "/other", subject: "replay" }))).isNew).toBe(true);
    expect(await bodiesIn(first.thread)).toHaveLength(2);
  });

  test("in binary mode is the same event", async () => {
    const headers = { "ce-specversion": "1.0", "ce-id": "b1", "ce-source": "/ci/main", "ce-type": "build.failed", "ce-agent": "runner", "ce-subject": "caf%C3%A9", "content-type": "application/json" };
    const { thread } = firstOf(await send({ job: 7 }, headers));
    expect(await bodiesIn(thread)).toEqual([anEvent({ id: "b1", subject: "café" })]);
    const { thread: bytes } = firstOf(await send("\x00\x01", { ...headers, "ce-subject": "bytes", "content-type": "application/octet-stream" }));
    expect(await bodiesIn(bytes)).toMatchObject([{ data_base64: "AAE=", datacontenttype: "application/octet-stream" }]);
  });

  test("in a batch comes in the batch's order, and a batch with a bad one can be sent again", async () => {
    const batch = { "content-type": "application/cloudevents-batch+json" };
    const events = ["1", "2", "3"].map((id) => anEvent({ id, subject: "batch" }));
    expect((await send([...events.slice(0, 2), anEvent({ id: "x", agent: "nothing" }), events[2]], batch)).status).toBe(403);
    const answer = await send(events, batch);
    expect((answer.body["events"] as { isNew: boolean }[]).map(({ isNew }) => isNew)).toEqual([false, false, true]);
    expect(await bodiesIn(firstOf(answer).thread)).toMatchObject([{ id: "1" }, { id: "2" }, { id: "3" }]);
    expect((await send(Array.from({ length: 101 }, (_, index) => anEvent({ id: `${index}` })), batch)).status).toBe(400);
    expect((await send([], batch)).status).toBe(400);
  });

  test("without the extension goes to the thread that its subject names", async () => {
    const thread = String(((await stand.call("POST", THREADS, { token: ci, body: { agent: "runner" } })).body["thread"] as { name: string }).name);
    const event = anEvent({ subject: thread, agent: undefined });
    expect(firstOf(await send(event)).thread).toBe(thread);
    expect((await send(event, structured, tokenFor("eve"))).body).toMatchObject({ rule: "thread.post" });
    expect((await send(anEvent({ subject: undefined, agent: undefined }))).status).toBe(422);
  });

  test("of somebody who may not open threads opens none", async () => {
    expect(await send(anEvent(), structured, tokenFor("eve"))).toMatchObject({ status: 403, body: { rule: "agent.open" } });
  });

  test("of another sender with the same subject goes to another thread", async () => {
    stand.addUser("cd");
    await stand.store.relate({ objectKind: "agent", object: "default/runner", relation: "participant", subject: "user:cd" });
    const [mine, theirs] = [firstOf(await send(anEvent({ subject: "both" }))), firstOf(await send(anEvent({ subject: "both" }), structured, tokenFor("cd")))];
    expect(theirs.thread).not.toBe(mine.thread);
    expect(theirs.isNew).toBe(true);
  });

  test.each([
    ["another version", anEvent({ specversion: "0.3" }), 400],
    ["no id", anEvent({ id: "" }), 400],
    ["a nested extension", anEvent({ extension: { a: 1 } }), 400],
    ["an attribute name that is none", anEvent({ "Bad-Name": "x" }), 400],
    ["two kinds of data", anEvent({ data_base64: "AAE=" }), 400],
    ["a line break in an attribute", anEvent({ source: "a\nb" }), 400],
    ["more data than a message may hold", anEvent({ data: "x".repeat(300 << 10) }), 413],
    ["no JSON", "{", 400],
  ])("with %s is refused", async (_, event, status) => {
    expect((await send(event)).status).toBe(status);
  });

  test("that is none says which forms are read", async () => {
    expect(await send({}, { "content-type": "application/json" })).toMatchObject({ status: 415, body: { error: "media-type.unsupported", hint: expect.stringContaining("ce- headers") } });
    expect((await send("<a/>", { "content-type": "application/cloudevents+xml" })).status).toBe(415);
  });
});
