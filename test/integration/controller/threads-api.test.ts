import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";

const alice = tokenFor("alice");
const bob = tokenFor("bob");
const THREADS = "/v1/namespaces/default/threads";

let stand: ApiStand;
beforeAll(async () => {
  stand = await startApi();
  for (const name of ["alice", "bob", "kim"]) stand.addUser(name, name === "alice" ? ["team"] : []);
  stand.addUser("root", ["system:masters"]);
  await stand.addAgent("reviewer", { grants: ["github"] });
  await stand.addAgent("secret", {});
  await stand.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "group:team" });
});
afterAll(async () => { await stand?.close(); });

const open = async (over: { token?: string; body?: object; key?: string } = {}) => stand.call("POST", THREADS, {
  token: over.token ?? alice, body: { agent: "reviewer", ...over.body }, ...(over.key === undefined ? {} : { headers: { "idempotency-key": over.key } }),
});
const openNamed = async (over: Parameters<typeof open>[0] = {}) => String(((await open(over)).body["thread"] as { name: string }).name);

describe("a thread", () => {
  test("is opened by a participant of its agent, with a first message, and read again", async () => {
    const { status, body } = await open({ body: { message: "look at #42", title: "PR 42" } });
    expect(status).toBe(201);
    const thread = body["thread"] as Record<string, unknown>;
    expect(thread).toMatchObject({ namespace: "default", agent: "reviewer", user: "alice", title: "PR 42", unread: 1, parent: null, chain: [], grants: null });
    expect(await stand.call("GET", `${THREADS}/${String(thread["name"])}`, { token: alice })).toMatchObject({ status: 200, body: thread });
    const resource = await stand.cluster.get(TYPES.threads, { namespace: "default", name: String(thread["name"]) });
    expect(resource?.["spec"]).toMatchObject({ agent: "reviewer", user: "alice" });
    expect((await stand.call("GET", `${THREADS}/${String(thread["name"])}/messages`, { token: alice })).body)
      .toMatchObject({ messages: [{ seq: 1, sender: { role: "user", name: "alice" }, isForAgent: true, body: "look at #42", acknowledgedAt: null }] });
  });

  test("is not opened by anybody else, and the refusal says which rule and what to do", async () => {
    expect(await open({ token: bob })).toMatchObject({
      status: 403, body: { error: "access.denied", rule: "agent.open", hint: "ask a maintainer of the agent to add you to its participants", request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(await open({ token: alice, body: { agent: "secret" } })).toMatchObject({ status: 403, body: { rule: "agent.open" } });
  });

  test("is one, however many ask for it at once with the same key, with one first message", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, async () => open({ key: "job-7", body: { message: "go" } })));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([...Array.from({ length: 49 }, () => 200), 201]);
    const names = new Set(answers.map(({ body }) => (body["thread"] as { name: string }).name));
    expect(names.size).toBe(1);
    expect((await stand.call("GET", `${THREADS}/${[...names][0]}/messages`, { token: alice })).body["messages"]).toHaveLength(1);
  });

  test("of a key is another for another caller, and a conflict if something else is meant", async () => {
    await stand.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "user:kim" });
    const mine = await openNamed({ key: "shared" });
    expect(await openNamed({ key: "shared", token: tokenFor("kim") })).not.toBe(mine);
    expect(await open({ key: "shared", body: { grants: [] } })).toMatchObject({ status: 409, body: { error: "conflict", hint: "use another key" } });
  });

  test("may hold less than its agent, and not more", async () => {
    const { body } = await open({ body: { grants: [] } });
    expect(body["thread"]).toMatchObject({ grants: [] });
    expect(await open({ body: { grants: ["github", "slack"] } })).toMatchObject({ status: 403, body: { rule: "agent.open.grants", reason: "agent reviewer does not hold: slack" } });
  });

  test("takes messages of its participants, each key once for each sender", async () => {
    const name = await openNamed();
    const post = async (token: string, key: string) => stand.call("POST", `${THREADS}/${name}/messages`, { token, body: { body: "hi" }, headers: { "idempotency-key": key } });
    expect(await post(alice, "k")).toMatchObject({ status: 201, body: { isNew: true, message: { seq: 1 } } });
    expect(await post(alice, "k")).toMatchObject({ status: 200, body: { isNew: false, message: { seq: 1 } } });
    expect(await post(bob, "k")).toMatchObject({ status: 403, body: { rule: "thread.post" } });
    expect((await stand.call("PUT", `${THREADS}/${name}/participants/participant/user:bob`, { token: alice })).status).toBe(204);
    expect(await post(bob, "k")).toMatchObject({ status: 201, body: { message: { seq: 2, sender: { name: "bob" } } } });
    expect((await stand.call("DELETE", `${THREADS}/${name}/participants/participant/user:bob`, { token: bob })).status).toBe(204);
    expect(await post(bob, "k2")).toMatchObject({ status: 403 });
    expect((await stand.call("GET", `${THREADS}/${name}/participants`, { token: alice })).body).toEqual({ relations: [{ relation: "owner", subject: "user:alice" }] });
  });

  test("is stopped and deleted by its owner, and takes no message then", async () => {
    const name = await openNamed();
    expect((await stand.call("POST", `${THREADS}/${name}/stop`, { token: bob })).status).toBe(403);
    expect((await stand.call("POST", `${THREADS}/${name}/stop`, { token: alice })).status).toBe(202);
    const spec = (await stand.cluster.get(TYPES.threads, { namespace: "default", name }))?.["spec"] as { stopRequestedAt: string; agent: string };
    expect(Date.parse(spec.stopRequestedAt)).toBeGreaterThan(0);
    expect(spec.agent).toBe("reviewer");
    expect((await stand.call("DELETE", `${THREADS}/${name}`, { token: bob })).status).toBe(403);
    expect((await stand.call("DELETE", `${THREADS}/${name}`, { token: alice })).status).toBe(204);
    expect(await stand.call("POST", `${THREADS}/${name}/messages`, { token: alice, body: { body: "x" } })).toMatchObject({ status: 403, body: { rule: "thread.post" } });
    expect(await stand.call("GET", `${THREADS}/${name}`, { token: tokenFor("root") })).toMatchObject({ status: 404, body: { error: "not-found" } });
  });

  test("that was made by kubectl belongs to the user in its spec", async () => {
    await stand.cluster.create(TYPES.threads, { metadata: { name: "by-hand", namespace: "default" }, spec: { agent: "reviewer", user: "bob" } });
    expect(await stand.call("GET", `${THREADS}/by-hand`, { token: bob })).toMatchObject({ status: 200, body: { user: "bob", unread: 0 } });
    expect((await stand.call("GET", `${THREADS}/by-hand`, { token: alice })).status).toBe(403);
  });

  test("is acknowledged in the agent's stead by its owner only", async () => {
    const name = await openNamed({ body: { message: "1" } });
    const list = (await stand.call("GET", `${THREADS}/${name}/messages`, { token: alice })).body["messages"] as { id: string }[];
    await stand.call("PUT", `${THREADS}/${name}/participants/participant/user:bob`, { token: alice });
    const path = `${THREADS}/${name}/messages/${list[0]?.id}/acknowledge`;
    expect(await stand.call("POST", path, { token: bob })).toMatchObject({ status: 403, body: { rule: "thread.acknowledge" } });
    expect(await stand.call("POST", path, { token: alice })).toMatchObject({ status: 200, body: { acknowledged: 1 } });
    expect(await stand.call("POST", path.replace(String(list[0]?.id), "nothing"), { token: alice })).toMatchObject({ status: 404, body: { error: "not-found" } });
  });
});

describe("a list of threads", () => {
  test("shows page by page what the caller relates to, and all to who may create threads there", async () => {
    const names = [];
    for (let index = 0; index < 5; index += 1) names.push(await openNamed({ token: tokenFor("kim") }));
    const seen: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const { body } = await stand.call("GET", `${THREADS}?limit=2${next === "" ? "" : `&after=${next}`}`, { token: tokenFor("kim") });
      seen.push(...(body["threads"] as { name: string; user: string }[]).map(({ name, user }) => { expect(user).toBe("kim"); return name; }));
      next = body["next"] as string | null;
    }
    expect(seen).toEqual(expect.arrayContaining(names));
    expect(new Set(seen).size).toBe(seen.length);
    stand.addUser("operator");
    const asOperator = async () => (await stand.call("GET", `${THREADS}?limit=200`, { token: tokenFor("operator") })).body["threads"] as { name: string }[];
    expect(await asOperator()).toEqual([]);
    stand.allowCreating("operator", "default");
    expect((await asOperator()).map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    expect((await stand.call("GET", `${THREADS}/${names[0]}/messages`, { token: tokenFor("operator") })).status).toBe(403);
  });

  test("takes no cursor that it did not make", async () => {
    for (const after of ["x", "W10", Buffer.from("[1]").toString("base64url")]) {
      expect(await stand.call("GET", `${THREADS}?after=${after}`, { token: alice })).toMatchObject({ status: 400, body: { error: "request.malformed" } });
    }
  });
});

describe("agents", () => {
  test("are listed to those who may open threads on them, without what is in their environment", async () => {
    await stand.addAgent("configured", { env: [{ name: "A", value: "hidden-value" }] });
    const mine = await stand.call("GET", "/v1/namespaces/default/agents", { token: alice });
    expect((mine.body["agents"] as { name: string }[]).map(({ name }) => name)).toEqual(["reviewer"]);
    const all = await stand.call("GET", "/v1/namespaces/default/agents", { token: tokenFor("root") });
    expect((all.body["agents"] as { name: string }[]).map(({ name }) => name)).toEqual(["configured", "reviewer", "secret"]);
    expect(JSON.stringify(all.body)).not.toContain("hidden-value");
    expect(await stand.call("GET", "/v1/namespaces/default/agents/reviewer", { token: alice })).toMatchObject({ status: 200, body: { name: "reviewer", grants: ["github"] } });
    expect((await stand.call("GET", "/v1/namespaces/default/agents/secret", { token: alice })).status).toBe(403);
  });

  test("are shared by whoever is responsible for them, and owners are named by owners", async () => {
    const path = "/v1/namespaces/default/agents/secret/relations";
    stand.addUser("maint");
    expect((await stand.call("PUT", `${path}/owner/user:alice`, { token: tokenFor("root") })).status).toBe(204);
    expect((await stand.call("PUT", `${path}/maintainer/user:maint`, { token: alice })).status).toBe(204);
    expect(await stand.call("PUT", `${path}/owner/user:maint`, { token: tokenFor("maint") })).toMatchObject({ status: 403, body: { rule: "agent.configure.owner" } });
    expect((await stand.call("PUT", `${path}/participant/group:a%2Fb%20c`, { token: tokenFor("maint") })).status).toBe(204);
    expect((await stand.call("GET", path, { token: tokenFor("maint") })).body["relations"]).toEqual([
      { relation: "maintainer", subject: "user:maint" }, { relation: "owner", subject: "user:alice" }, { relation: "participant", subject: "group:a/b c" },
    ]);
    expect((await stand.call("GET", path, { token: bob })).status).toBe(403);
    expect((await stand.call("DELETE", `${path}/participant/group:a%2Fb%20c`, { token: tokenFor("maint") })).status).toBe(204);
  });
});

describe("a request", () => {
  test.each([
    ["no token", {}, 401, "authentication.missing"],
    ["a token of nobody", { token: tokenFor("nobody") }, 401, "authentication.rejected"],
    ["something else than a token", { headers: { authorization: "Basic YTpi" } }, 401, "authentication.malformed"],
  ])("with %s is not answered", async (_, options, status, rule) => {
    const answer = await stand.call("GET", THREADS, options);
    expect(answer).toMatchObject({ status, body: { error: "authentication.required", rule } });
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  test.each([
    ["an unknown key", { body: { agent: "reviewer", colour: "red" } }],
    ["a wrong type", { body: { agent: 1 } }],
    ["no body", {}],
    ["a body that is not JSON", { body: "{" }],
    ["an agent's name that is a path", { body: { agent: "../x" } }],
    ["an empty message", { body: { agent: "reviewer", message: "" } }],
    ["a key of control characters", { body: { agent: "reviewer" }, headers: { "idempotency-key": "a b" } }],
  ])("with %s is malformed", async (_, options) => {
    expect(await stand.call("POST", THREADS, { token: alice, ...options })).toMatchObject({ status: 400, body: { error: "request.malformed", hint: expect.stringContaining("openapi") } });
  });

  test("with another content type is malformed, not unchecked", async () => {
    const answer = await stand.call("POST", THREADS, { token: alice, body: "agent=reviewer", headers: { "content-type": "text/plain" } });
    expect([400, 415]).toContain(answer.status);
  });

  test("with a body above the limit, an unknown query or an unknown path ends with its own code", async () => {
    expect(await stand.call("POST", THREADS, { token: alice, body: "x".repeat((2 << 20) + 1) })).toMatchObject({ status: 413, body: { error: "request.too-large" } });
    expect(await stand.call("GET", `${THREADS}?colour=red`, { token: alice })).toMatchObject({ status: 400 });
    expect(await stand.call("GET", "/v1/nothing", { token: alice })).toMatchObject({ status: 404, body: { error: "not-found" } });
    expect(await stand.call("GET", "/v2", {})).toMatchObject({ status: 404 });
  });

  test("fails as unavailable while the API server does not answer, and is no allow", async () => {
    stand.cluster.failNext("post /apis/authentication", new Error("down"));
    const answer = await stand.call("GET", THREADS, { token: alice });
    expect(answer).toMatchObject({ status: 503, body: { error: "unavailable" } });
    expect(answer.headers["retry-after"]).toBe("1");
    expect(JSON.stringify(answer.body)).not.toContain("down");
  });
});

test("too many calls of one caller are turned away, and another caller's are not", async () => {
  const small = await startApi({ api: { callBurst: 3, callsPerSecond: 0.1, refusalsPerMinute: 2 } });
  try {
    small.addUser("alice");
    small.addUser("bob");
    const statuses = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await small.call("GET", THREADS, { token: alice })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const late = await small.call("GET", THREADS, { token: alice });
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(5);
    expect((await small.call("GET", THREADS, { token: bob })).status).toBe(200);
    for (const status of [401, 401, 429]) expect((await small.call("GET", THREADS, { token: tokenFor("nobody") })).status).toBe(status);
    const reviews = small.cluster.requests.length;
    expect((await small.call("GET", THREADS, { token: tokenFor("nobody") })).status).toBe(429);
    expect(small.cluster.requests).toHaveLength(reviews);
  } finally {
    await small.close();
  }
});
