import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApi, tokenFor, type Answer, type ApiStand } from "../../support/api/api-stand.ts";

const LIMIT_BYTES = 256 << 10;
const THREADS = "/v1/namespaces/default/threads";
const alice = tokenFor("alice");
type Pod = Awaited<ReturnType<ApiStand["addPod"]>>;

let stand: ApiStand;
let mine: { readonly name: string; readonly pod: Pod };
let other: { readonly name: string; readonly pod: Pod };
beforeAll(async () => {
  stand = await startApi();
  stand.addUser("alice");
  const spawn = [{ agent: "notifier", grants: ["chat", "mail"], maxThreads: 2 }, { agent: "ghost", grants: [] }];
  await stand.addAgent("runner", { grants: ["build"], spawn });
  await stand.addAgent("notifier", { grants: ["chat"] });
  await stand.addAgent("stranger");
  await stand.store.relate({ objectKind: "agent", object: "default/runner", relation: "participant", subject: "user:alice" });
  [mine, other] = [await running({ message: "one" }), await running({ message: "two" })];
});
afterAll(async () => { await stand?.close(); });

async function running(body: object): Promise<{ readonly name: string; readonly pod: Pod }> {
  const { thread } = (await stand.call("POST", THREADS, { token: alice, body: { agent: "runner", ...body } })).body as { thread: { name: string } };
  return { name: thread.name, pod: await stand.addPod(thread.name) };
}
const ask = async (pod: Pod, method: string, path: string, options: { readonly body?: unknown; readonly headers?: Record<string, string> } = {}): Promise<Answer> =>
  stand.call(method, `/v1/instance${path}`, { token: tokenFor("proxy-on-node-1"), instance: pod, ...options });
const answer = async (body: unknown, headers = {}) => ask(mine.pod, "POST", "/answers", { body, headers });
const firstMessage = async (pod: Pod) => ((await ask(pod, "GET", "/messages")).body["messages"] as { id: string }[])[0]!.id;
/** Each refusal names what refused, and what to do. */
const refused = (status: number, rule: string) => ({ status, body: { rule, reason: expect.stringMatching(/.{10}/) as string, hint: expect.stringMatching(/.{8}/) as string } });

describe("a text", () => {
  test.each([
    ["of 256 KiB", "x".repeat(LIMIT_BYTES)],
    ["of 256 KiB in two-byte characters", "ü".repeat(LIMIT_BYTES / 2)],
    ["of 256 KiB that JSON writes six times as long", "\u0001".repeat(LIMIT_BYTES)],
    ["of joined and reversed characters", "👩‍👩‍👧‍👦 \u202E abc \uFEFF\u2028"],
    ["with the line ends of all systems", "a\r\nb\rc\n"],
    ["that looks like a key of an object", "__proto__"],
  ])("%s comes out as it went in", async (_what, text) => {
    const { status, body } = await answer({ body: text });
    expect(status).toBe(201);
    expect((body["message"] as { body: string }).body === text).toBe(true);
  });

  test.each([
    ["of a byte more", { body: "x".repeat(LIMIT_BYTES + 1) }, 413, "message.size"],
    ["of a character more that is two bytes", { body: "ü".repeat(LIMIT_BYTES / 2 + 1) }, 413, "message.size"],
    ["of more than a body may have", { body: "x".repeat(3 << 20) }, 413, "body.size"],
    ["with a NUL", { body: "a\0b" }, 400, "message.text"],
    ["with half a surrogate pair", '{"body":"\\ud800"}', 400, "message.text"],
    ["that is empty", { body: "" }, 400, "request.schema"],
    ["with an addressee", { body: "x", to: "bob" }, 400, "request.schema"],
    ["that is no JSON", '{"body":', 400, "request.malformed"],
  ])("%s is refused, and told why", async (_what, body, status, rule) => {
    expect(await answer(body)).toMatchObject(refused(status, rule));
  });

  test("in another content type or encoding is refused", async () => {
    expect(await answer("hello", { "content-type": "text/plain" })).toMatchObject(refused(400, "request.malformed"));
    const latin1 = await fetch(`${stand.url}${THREADS}`, { method: "POST", headers: { authorization: `Bearer ${alice}`, "content-type": "application/json" }, body: Buffer.from('{"agent":"r\xFC"}', "latin1") });
    expect([latin1.status, await latin1.json()]).toMatchObject([400, { rule: "body.encoding" }]);
  });
});

describe("an acknowledgement", () => {
  test("of another thread's message is refused, and leaves it open", async () => {
    expect(await ask(mine.pod, "POST", `/messages/${await firstMessage(other.pod)}/acknowledge`)).toMatchObject(refused(404, "message.unknown"));
    expect((await ask(other.pod, "GET", "/messages")).body["messages"]).toHaveLength(1);
  });

  test("of nothing, or of the agent's own words, is refused", async () => {
    const own = ((await answer({ body: "x" })).body["message"] as { id: string }).id;
    for (const id of [own, "nothing", "00000000-0000-0000-0000-000000000000"]) {
      expect(await ask(mine.pod, "POST", `/messages/${id}/acknowledge`)).toMatchObject(refused(404, "message.unknown"));
    }
  });

  test("that comes twice finds nothing open, and the agent may still answer", async () => {
    const id = await firstMessage(mine.pod);
    const acknowledge = async () => (await ask(mine.pod, "POST", `/messages/${id}/acknowledge`)).body;
    expect([await acknowledge(), await acknowledge()]).toEqual([{ acknowledged: 1 }, { acknowledged: 0 }]);
    expect((await answer({ body: "one thing more" })).status).toBe(201);
  });
});

describe("a child", () => {
  const spawn = async (body: object, headers = {}, pod = mine.pod) => ask(pod, "POST", "/threads", { body, headers });

  test.each([
    ["of an agent that is not listed", { agent: "stranger" }, 403, "spawn.agent"],
    ["of an agent that is not there", { agent: "ghost" }, 403, "spawn.unknown-agent"],
    ["of an agent elsewhere", { agent: "elsewhere/notifier" }, 400, "request.schema"],
    ["with a grant of the parent's that may not be handed on", { agent: "notifier", grants: ["chat", "build"] }, 403, "spawn.grants"],
    ["with a grant that its own Agent does not hold", { agent: "notifier", grants: ["mail"] }, 403, "spawn.grants"],
    ["with a grant twice", { agent: "notifier", grants: ["chat", "chat"] }, 400, "request.schema"],
    ["on behalf of somebody else", { agent: "notifier", user: "root" }, 400, "request.schema"],
    ["with a first message that is too long", { agent: "notifier", message: "x".repeat(LIMIT_BYTES + 1) }, 413, "message.size"],
  ])("%s is refused, and told why", async (_what, body, status, rule) => {
    expect(await spawn(body)).toMatchObject(refused(status, rule));
    expect((await ask(mine.pod, "GET", "/children")).body["threads"]).toEqual([]);
  });

  test("of a parent that was narrowed to other grants is told that it can have none, and gets none", async () => {
    const narrowed = await running({ grants: ["build"] });
    expect(await spawn({ agent: "notifier", grants: ["chat"] }, {}, narrowed.pod)).toMatchObject({ ...refused(403, "spawn.grants"), body: { hint: expect.stringContaining("no grants") as string } });
    expect((await spawn({ agent: "notifier" }, {}, narrowed.pod)).body).toMatchObject({ thread: { grants: [] } });
  });

  test("of a key that meant another child is refused", async () => {
    const key = { "idempotency-key": "k" };
    expect((await spawn({ agent: "notifier", grants: ["chat"] }, key)).status).toBe(201);
    expect(await spawn({ agent: "notifier", grants: [] }, key)).toMatchObject(refused(409, "key.reused"));
  });

  test("beyond the limit is refused until one is deleted", async () => {
    await spawn({ agent: "notifier" });
    expect(await spawn({ agent: "notifier" })).toMatchObject(refused(409, "spawn.max-threads"));
    const [{ name } = { name: "" }] = (await ask(mine.pod, "GET", "/children")).body["threads"] as { name: string }[];
    await ask(mine.pod, "DELETE", `/children/${name}`);
    expect((await spawn({ agent: "notifier" })).status).toBe(201);
  });

  test("of somebody else is not there for anybody but its parent", async () => {
    const [{ name } = { name: "" }] = (await ask(mine.pod, "GET", "/children")).body["threads"] as { name: string }[];
    for (const [method, path, body] of [["GET", "messages"], ["POST", "messages", { body: "x" }], ["POST", "stop"]] as const) {
      expect(await ask(other.pod, method, `/children/${name}/${path}`, { body })).toMatchObject(refused(403, "child.not-yours"));
    }
    expect(await ask(mine.pod, "GET", `/children/${mine.name}/messages`)).toMatchObject(refused(403, "child.not-yours"));
  });
});

describe("a call", () => {
  test.each([
    ["GET", "/nothing", 404, "path.unknown"], ["PUT", "/answers", 404, "path.unknown"], ["GET", "/messages?limit=0", 400, "request.schema"], ["GET", "/messages?lim=1", 400, "request.schema"],
    ["GET", "/messages?wait=1e9", 400, "request.schema"], ["DELETE", "/children/nothing", 403, "child.not-yours"],
  ])("%s %s is refused, and told why", async (method, path, status, rule) => {
    expect(await ask(mine.pod, method, path)).toMatchObject(refused(status, rule));
  });

  test("of a key that no header may hold is refused", async () => {
    expect(await answer({ body: "x" }, { "idempotency-key": "a b" })).toMatchObject(refused(400, "request.schema"));
    expect(await answer({ body: "x" }, { "idempotency-key": "k".repeat(201) })).toMatchObject(refused(400, "request.schema"));
  });

  test("that waits beside too many others is told to come later", async () => {
    const answers = await Promise.all(Array.from({ length: 17 }, async () => ask(mine.pod, "GET", "/messages?wait=0.5")));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(16);
    expect(answers.find(({ status }) => status !== 200)).toMatchObject({ ...refused(429, "waiting.limit"), headers: { "retry-after": "5" } });
  });

  test("of an instance whose thread is deleted says that it is over", async () => {
    await stand.call("DELETE", `${THREADS}/${other.name}`, { token: alice });
    expect(await ask(other.pod, "POST", "/answers", { body: { body: "last words" } })).toMatchObject(refused(410, "instance.no-such-thread"));
  });
});
