import { afterEach, describe, expect, test } from "vitest";
import { openKubeApi, type KubeApiOptions } from "../../../../common/kube/http-kube-api.ts";
import type { KubeAccess, KubeCredentials } from "../../../../common/kube/kube-access.ts";
import type { KubeApi, WatchEvent } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { Secret } from "../../../../common/secret.ts";
import { mintClusterAuthority } from "../../../support/kube/cluster-authority.ts";
import { json, startScriptedServer, status, TOKEN, type ScriptedServer } from "../../../support/kube/scripted-server.ts";
import { TestClock } from "../../../support/test-clock.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closers.splice(0)) await close(); });

const POD = { namespace: "a", name: "p" };
const aPod = (name: string, resourceVersion = "1"): object => ({ metadata: { name, namespace: "a", resourceVersion } });

async function aServer(names?: readonly string[]): Promise<ScriptedServer> {
  const server = await startScriptedServer(names);
  closers.push(async () => server.close());
  return server;
}

function open(access: KubeAccess, options?: KubeApiOptions): KubeApi {
  const api = openKubeApi(access, options);
  closers.unshift(async () => api.close());
  return api;
}

async function stage(options?: KubeApiOptions, credentials?: KubeCredentials): Promise<{ server: ScriptedServer; api: KubeApi }> {
  const server = await aServer();
  return { server, api: open(server.access(credentials), options) };
}

describe("who speaks to whom", () => {
  test("a call carries the token and says what it takes", async () => {
    const { server, api } = await stage();
    await api.read("/version");
    expect(server.calls[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, accept: "application/json, application/jwk-set+json", "user-agent": expect.stringMatching(/^weir\//) as string });
  });

  test.each([
    ["a server of another CA", async () => { const server = await aServer(); return { server, access: server.access({ caPem: (await mintClusterAuthority()).caPem }) }; }],
    ["a server of another name", async () => { const server = await aServer(["elsewhere.test"]); return { server, access: server.access() }; }],
  ])("%s gets neither request nor token", async (_what, prepare) => {
    const { server, access } = await prepare();
    await expect(open(access).read("/version")).rejects.toMatchObject({ name: "KubeError", status: 0, reason: "Untrusted" });
    expect(server.calls).toEqual([]);
  });

  test("a server may bear the name that the access says", async () => {
    const server = await aServer(["kubernetes.test"]);
    expect(await open({ ...server.access(), serverName: "kubernetes.test" }).read("/version")).toEqual({});
  });

  test("a token and a client certificate that rotate are taken over at the next call", async () => {
    const server = await aServer();
    const identities = await Promise.all(["first", "second"].map(async (user) => server.authority.client(user)));
    let turn = 0;
    const api = open({
      ...server.access(),
      credentials: async () => ({ caPem: server.authority.caPem, certPem: identities[turn]!.certPem, keyPem: new Secret(identities[turn]!.keyPem), authorization: new Secret(`Bearer ${turn}`) }),
    });
    await api.read("/version");
    turn = 1;
    await api.read("/version");
    expect(server.calls.map(({ client, headers }) => [client, headers.authorization])).toEqual([["first", "Bearer 0"], ["second", "Bearer 1"]]);
  });

  test("calls may be made as somebody else", async () => {
    const { server, api } = await stage({ impersonate: { user: "system:serviceaccount:a:b", groups: ["g", "h"] } });
    await api.read("/version");
    expect(server.calls[0]?.headers).toMatchObject({ "impersonate-user": "system:serviceaccount:a:b", "impersonate-group": "g, h" });
  });

  test("a redirect is not followed: the token would go along", async () => {
    const other = await aServer();
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.writeHead(307, { location: `${other.access().server}/steal` }).end(); };
    await expect(api.read("/version")).rejects.toMatchObject({ name: "KubeError", status: 307 });
    expect(other.calls).toEqual([]);
  });
});

describe("answers", () => {
  test("an object that is not there is null, and was not there to remove", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { json(response, 404, status(404, "NotFound")); };
    expect(await api.get(TYPES.pods, POD)).toBeNull();
    expect(await api.remove(TYPES.pods, POD)).toBe(false);
  });

  test("a refusal has the status, the reason and the words of the server", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { json(response, 409, status(409, "Conflict", "the object has been modified")); };
    await expect(api.replace(TYPES.pods, { metadata: POD })).rejects.toMatchObject({ status: 409, reason: "Conflict", message: expect.stringContaining("the object has been modified") as string });
  });

  test.each([
    ["is not JSON", (call: unknown, response: Parameters<ScriptedServer["answer"]>[1]) => { response.end("<html>"); }, "Malformed"],
    ["is no object", (call: unknown, response: Parameters<ScriptedServer["answer"]>[1]) => { json(response, 200, { metadata: {} }); }, "Malformed"],
    ["breaks off", (call: unknown, response: Parameters<ScriptedServer["answer"]>[1]) => { response.writeHead(200, { "content-length": "1000" }).write("{"); setImmediate(() => response.destroy()); }, "Unreachable"],
    ["never ends", (call: unknown, response: Parameters<ScriptedServer["answer"]>[1]) => { response.write("{"); }, "Timeout"],
    ["never comes", () => undefined, "Timeout"],
  ])("one that %s is no answer", async (_what, answer, reason) => {
    const { server, api } = await stage({ readTimeoutMs: 300 });
    server.answer = answer;
    await expect(api.get(TYPES.pods, POD)).rejects.toMatchObject({ name: "KubeError", status: 0, reason });
  });

  test("one of a proxy on the way is an error with its status", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.writeHead(502).end("<html>bad gateway"); };
    await expect(api.list(TYPES.pods, {})).rejects.toMatchObject({ status: 502, reason: "" });
  });

  test("one that is too large is not read to its end", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => {
      const more = (): void => { while (!response.destroyed && response.write(Buffer.alloc(1 << 16, 0x20))); };
      response.on("drain", more);
      more();
    };
    await expect(api.get(TYPES.pods, POD)).rejects.toMatchObject({ status: 0, reason: "Oversized" });
  });
});

describe("lists", () => {
  test("are read page by page", async () => {
    const { server, api } = await stage();
    const next = ["two", "three", ""];
    server.answer = ({ query }, response) => {
      const page = query.get("continue") === null ? 0 : next.indexOf(query.get("continue")!) + 1;
      json(response, 200, { metadata: { resourceVersion: "9", continue: next[page] }, items: [aPod(`p${page}`)] });
    };
    const { resourceVersion, items } = await api.list(TYPES.pods, { namespace: "a", labelSelector: "x=y", fieldSelector: "spec.nodeName=n" });
    expect([resourceVersion, items.map(({ metadata }) => metadata.name)]).toEqual(["9", ["p0", "p1", "p2"]]);
    expect(server.calls.map(({ path, query }) => [path, query.get("limit"), query.get("labelSelector"), query.get("fieldSelector")])).toEqual(
      Array.from({ length: 3 }, () => ["/api/v1/namespaces/a/pods", "500", "x=y", "spec.nodeName=n"]));
  });

  test("that never end are given up", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { json(response, 200, { metadata: { resourceVersion: "9", continue: "more" }, items: [] }); };
    await expect(api.list(TYPES.pods, {})).rejects.toMatchObject({ reason: "Oversized" });
    expect(server.calls).toHaveLength(200);
  });
});

describe("calls that the server puts off", () => {
  test("are tried again after the time that it says", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => {
      if (server.calls.length === 1) json(response, 429, status(429, "TooManyRequests"), { "retry-after": "1" });
      else json(response, 201, aPod("p"));
    };
    const startedMs = performance.now();
    expect((await api.create(TYPES.pods, { metadata: POD })).metadata.name).toBe("p");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_000);
    expect(server.calls).toHaveLength(2);
  });

  test("fail at once if their deadline is before that", async () => {
    const { server, api } = await stage({ writeTimeoutMs: 2_000 });
    server.answer = (_call, response) => { json(response, 429, status(429, "TooManyRequests"), { "retry-after": "3600" }); };
    await expect(api.create(TYPES.pods, { metadata: POD })).rejects.toMatchObject({ status: 429, reason: "TooManyRequests" });
    expect(server.calls).toHaveLength(1);
  });

  test.each([500, 503, 504])("but not those that it answers with %i", async (code) => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { json(response, code, status(code, "")); };
    await expect(api.create(TYPES.pods, { metadata: POD })).rejects.toMatchObject({ status: code });
    expect(server.calls).toHaveLength(1);
  });
});

describe("writes", () => {
  test("go to the object's place with its kind, and tell the server when to give up", async () => {
    const { server, api } = await stage({ writeTimeoutMs: 4_000 });
    server.answer = (_call, response) => { json(response, 200, aPod("p")); };
    await api.create(TYPES.agents, { metadata: { namespace: "a", name: "x" } });
    await api.replace(TYPES.agents, { metadata: { namespace: "a", name: "x" } }, { subresource: "status" });
    await api.apply(TYPES.agents, { metadata: { namespace: "a", name: "x" } }, { fieldManager: "weir", force: true });
    await api.remove(TYPES.agents, { namespace: "a", name: "x" }, { uid: "u", gracePeriodSeconds: 5, propagation: "Foreground" });
    const path = "/apis/weir.dev/v1alpha1/namespaces/a/agents";
    expect(server.calls.map((call) => [call.method, call.path, call.headers["content-type"], call.query.get("timeout")])).toEqual([
      ["POST", path, "application/json", "4000ms"], ["PUT", `${path}/x/status`, "application/json", "4000ms"],
      ["PATCH", `${path}/x`, "application/apply-patch+yaml", "4000ms"], ["DELETE", `${path}/x`, "application/json", "4000ms"],
    ]);
    expect(JSON.parse(server.calls[0]!.body)).toMatchObject({ apiVersion: "weir.dev/v1alpha1", kind: "Agent" });
    expect([...server.calls[2]!.query]).toEqual(expect.arrayContaining([["fieldManager", "weir"], ["force", "true"]]));
    expect(JSON.parse(server.calls[3]!.body)).toMatchObject({ preconditions: { uid: "u" }, gracePeriodSeconds: 5, propagationPolicy: "Foreground" });
  });

  test("are not sent by a process that stood still until their deadline had passed, although its connection is ready", async () => {
    const server = await aServer();
    const clock = new TestClock();
    let frozenMs = 0;
    const access = server.access();
    const api = open({ ...access, credentials: async () => { clock.advance(frozenMs); return access.credentials(); } }, { clock, writeTimeoutMs: 4_000 });
    server.answer = (_call, response) => { json(response, 200, aPod("p")); };
    await api.create(TYPES.pods, { metadata: POD });
    frozenMs = 4_000;
    await expect(api.create(TYPES.pods, { metadata: POD })).rejects.toMatchObject({ reason: "Timeout" });
    expect(server.calls).toHaveLength(1);
    frozenMs = 3_999;
    await api.create(TYPES.pods, { metadata: POD });
    expect(server.calls).toHaveLength(2);
  });

  test("are given up with the caller's reason", async () => {
    const { server, api } = await stage();
    const stop = new AbortController();
    server.answer = () => { stop.abort(new Error("enough")); };
    await expect(api.create(TYPES.pods, { metadata: POD }, stop.signal)).rejects.toThrow("enough");
  });
});

describe("watches", () => {
  const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
  const take = async (api: KubeApi, count: number, signal: AbortSignal = new AbortController().signal): Promise<WatchEvent[]> => {
    const events: WatchEvent[] = [];
    for await (const event of api.watch(TYPES.pods, { namespace: "a" }, "5", signal)) if (events.push(event) === count) break;
    return events;
  };

  test("ask for bookmarks and for an end within minutes, not all at the same time", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.end(line("ADDED", aPod("p"))); };
    for (let round = 0; round < 5; round += 1) await take(api, 9);
    const seconds = server.calls.map(({ query }) => Number(query.get("timeoutSeconds")));
    expect(Object.fromEntries(server.calls[0]!.query)).toMatchObject({ watch: "true", allowWatchBookmarks: "true", resourceVersion: "5" });
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(240);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(360);
    expect(new Set(seconds).size).toBeGreaterThan(1);
  });

  test("give events while they come", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.write(line("ADDED", aPod("p")) + line("BOOKMARK", { metadata: { resourceVersion: "8" } })); };
    expect(await take(api, 2)).toMatchObject([{ type: "ADDED" }, { type: "BOOKMARK", resourceVersion: "8" }]);
  });

  test.each([
    ["is refused as too old", 410], ["is refused for want of rights", 403],
  ])("one that %s is an error with its status", async (_what, code) => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { json(response, code, status(code, "")); };
    await expect(take(api, 1)).rejects.toMatchObject({ status: code });
  });

  test("one whose head does not come is given up", async () => {
    const { server, api } = await stage({ readTimeoutMs: 200 });
    server.answer = () => undefined;
    await expect(take(api, 1)).rejects.toMatchObject({ status: 0, reason: "Timeout" });
  });

  test("one that falls silent is given up, however long it had spoken", async () => {
    const { server, api } = await stage({ silentMs: 300, readTimeoutMs: 200 });
    server.answer = (_call, response) => {
      let left = 10;
      const tick = setInterval(() => {
        response.write(line("BOOKMARK", { metadata: { resourceVersion: "8" } }));
        if ((left -= 1) === 0) clearInterval(tick);
      }, 60);
    };
    const seen: WatchEvent[] = [];
    await expect((async () => { for await (const event of api.watch(TYPES.pods, {}, "5", new AbortController().signal)) seen.push(event); })()).rejects.toMatchObject({ reason: "Silent" });
    expect(seen).toHaveLength(10);
  });

  test("one whose connection breaks says so", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.write(line("ADDED", aPod("p"))); setImmediate(() => { server.breakConnections(); }); };
    await expect(take(api, 2)).rejects.toMatchObject({ status: 0, reason: "Unreachable" });
  });

  test("one that is not wanted any more ends with the caller's reason", async () => {
    const { server, api } = await stage();
    server.answer = (_call, response) => { response.write(line("ADDED", aPod("p"))); };
    const stop = new AbortController();
    setImmediate(() => { stop.abort(new Error("enough")); });
    await expect(take(api, 2, stop.signal)).rejects.toThrow("enough");
  });

  test("do not take connections away from calls", async () => {
    const { server, api } = await stage();
    server.answer = ({ query }, response) => { if (query.has("watch")) response.write(line("ADDED", aPod("p"))); else json(response, 200, {}); };
    const stop = new AbortController();
    const watches = Array.from({ length: 40 }, async () => take(api, 2, stop.signal).catch(() => undefined));
    await expect.poll(() => server.calls.length).toBe(40);
    expect(await api.read("/version")).toEqual({});
    stop.abort(new Error("enough"));
    await Promise.all(watches);
  });
});

test("closing ends what is under way, and nothing begins after it", async () => {
  const { server, api } = await stage();
  server.answer = (_call) => { void api.close(); };
  await expect(api.read("/version")).rejects.toMatchObject({ name: "KubeError", status: 0 });
  await expect(api.read("/version")).rejects.toMatchObject({ name: "KubeError", status: 0 });
});
