import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { policyConfig } from "../../../../proxy/policy/config.ts";
import { ReloadingPolicyEngine, type PolicyEvent } from "../../../../proxy/policy/engine.ts";
import { aFolder } from "../../../policy/folders.ts";
import { keysOf, policyFiles, signed } from "../../../support/signed-bundles.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const keys = keysOf();
const bundle = async (revision: string) => signed(await policyFiles({ hosts: [{ name: "api.example.com" }] }, revision), keys);

/** A strict stand-in for a server of bundles: what it answers is the test's, what it was asked is kept. */
class StandIn {
  readonly asked: IncomingMessage[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => { response.writeHead(404).end(); };
  readonly #server: Server = createServer((request, response) => {
    this.asked.push(request);
    this.answer(request, response);
  });

  async open(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/team/`;
  }

  /** Serves as the API says: 304 to whoever has it. */
  serve(packed: Buffer, etag: string): void {
    this.answer = (request, response) => {
      if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
      else response.writeHead(200, { etag, "content-type": "application/gzip" }).end(packed);
    };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, "close");
  }
}

let server: StandIn;
let state: string;
let events: PolicyEvent[];

beforeEach(async () => {
  server = new StandIn();
  await server.open();
  state = await aFolder({ token: "a-bearer-token-for-tests\n" });
  events = [];
});

afterEach(async () => { await server.close(); });

function start(service: Record<string, unknown> = {}): Promise<ReloadingPolicyEngine> {
  const config = policyConfig.parse({
    service: { url: server.url, resource: "weir/policy.tar.gz", tokenFile: join(state, "token"), timeoutMs: 1_000, pollIntervalMs: 100, ...service },
    verification: { keys: { release: { key: keys.publicPem } } },
  });
  return ReloadingPolicyEngine.open(config, { log: silentLog, clock: systemClock, environment: {}, stateDirectory: state, onEvent: (event) => { events.push(event); } });
}

const named = (event: string) => events.filter((seen) => seen.event === event);

describe("a bundle on a server", () => {
  test("is fetched with the token, and not again while its tag is the same", async () => {
    server.serve(await bundle("1"), "\"a\"");
    const engine = await start();
    const stop = new AbortController();
    const watching = engine.watch(stop.signal);
    await eventually("it was asked three times", () => server.asked.length >= 3);
    stop.abort();
    await watching;
    expect(server.asked[0]).toMatchObject({ method: "GET", url: "/team/weir/policy.tar.gz", headers: { authorization: "Bearer a-bearer-token-for-tests" } });
    expect(server.asked[0]?.headers["if-none-match"]).toBeUndefined();
    expect(server.asked.slice(1).map(({ headers }) => headers["if-none-match"])).toEqual(server.asked.slice(1).map(() => "\"a\""));
    expect(events).toMatchObject([{ event: "policy.loaded", fields: { revision: "1", source: `${server.url}weir/policy.tar.gz` } }]);
  });

  test("comes into force when it changes, without anybody's help", async () => {
    server.serve(await bundle("1"), "\"a\"");
    const engine = await start();
    const stop = new AbortController();
    const watching = engine.watch(stop.signal);
    server.serve(await bundle("2"), "\"b\"");
    await eventually("the new one is in force", () => engine.revision === "2");
    stop.abort();
    await watching;
  });

  test("that is not fit is refused once, not at each poll, and again when the operator asks", async () => {
    server.serve(await bundle("2"), "\"a\"");
    const engine = await start();
    server.serve(await bundle("1"), "\"b\"");
    const stop = new AbortController();
    const watching = engine.watch(stop.signal);
    await eventually("it was looked at three times", () => server.asked.filter(({ headers }) => headers["if-none-match"] === "\"b\"").length >= 3);
    stop.abort();
    await watching;
    expect(named("policy.refused")).toMatchObject([{ fields: { error: expect.stringContaining("its revision 1 is lower than 2"), kept: "2" } }]);
    expect(engine.state.trouble).toContain("is lower than");
    await engine.reload();
    expect(named("policy.refused")).toHaveLength(2);
  });

  test("that something else kept away comes into force once that has passed, though its tag is the same", async () => {
    server.serve(await bundle("2"), "\"a\"");
    const engine = await start();
    const memory = join(state, "policy", "highest-revision.json");
    const good = await readFile(memory);
    await writeFile(memory, "{");
    server.serve(await bundle("3"), "\"b\"");
    await engine.reload();
    expect(named("policy.refused")).toMatchObject([{ fields: { error: expect.stringContaining("weir policy pin"), kept: "2" } }]);
    await writeFile(memory, good);
    const stop = new AbortController();
    const watching = engine.watch(stop.signal);
    await eventually("the bundle is in force", () => engine.revision === "3");
    stop.abort();
    await watching;
  });

  test("without end is not read further than a bundle may be large", async () => {
    server.serve(await bundle("1"), "\"a\"");
    const engine = await start({ timeoutMs: 20_000 });
    let sent = 0;
    const chunk = Buffer.alloc(1 << 20);
    server.answer = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += 1;
        sent += 1;
      };
      response.on("drain", more).on("error", () => undefined);
      more();
    };
    await engine.reload();
    expect(named("policy.refused")).toMatchObject([{ fields: { error: expect.stringContaining("is larger than"), kept: "1" } }]);
    expect(sent).toBeLessThan(64);
  });
});

describe("a server that does not answer as it should", () => {
  test.each<[string, StandIn["answer"], string]>([
    ["refuses", (_request, response) => { response.writeHead(403).end("a secret of the server's"); }, "answered 403"],
    ["sends us elsewhere", (_request, response) => { response.writeHead(302, { location: "http://127.0.0.1:1/other" }).end(); }, "answered 302"],
    ["says nothing changed to whoever has nothing", (_request, response) => { response.writeHead(304).end(); }, "answered 304"],
    ["is silent", () => undefined, "did not answer in time"],
    ["stops in the middle", (_request, response) => { response.writeHead(200, { "content-length": "1000" }).write("x", () => { response.destroy(); }); }, "broke off its answer"],
    ["drips", (_request, response) => { response.writeHead(200).write("x"); }, "did not answer in time"],
  ])("%s: the last good one stays, and it is reported once until it is back", async (_, answer, line) => {
    const good = await bundle("1");
    server.serve(good, "\"a\"");
    const engine = await start();
    server.answer = answer;
    await engine.reload();
    await engine.reload();
    expect(engine.revision).toBe("1");
    expect(named("policy.unreachable")).toMatchObject([{ outcome: "failed", fields: { error: expect.stringContaining(line), kept: "1" } }]);
    expect(JSON.stringify(events)).not.toContain("a secret of the server's");
    server.serve(good, "\"a\"");
    await engine.reload();
    expect(named("policy.reachable")).toHaveLength(1);
  });

  test("waits longer from failure to failure, and never all of them equally long", async () => {
    server.serve(await bundle("1"), "\"a\"");
    const engine = await start({ pollIntervalMs: 100, maxBackoffMs: 100_000 });
    server.answer = (_request, response) => { response.writeHead(500).end(); };
    const from = server.asked.length;
    const stop = new AbortController();
    const watching = engine.watch(stop.signal);
    await eventually("it failed four times", () => server.asked.length >= from + 4, 10_000);
    stop.abort();
    await watching;
    expect(server.asked.length).toBe(from + 4);
  });
});

describe("a start without the server", () => {
  test("begins with the last good bundle, and says so", async () => {
    server.serve(await bundle("3"), "\"a\"");
    await start();
    server.answer = (_request, response) => { response.writeHead(500).end(); };
    const engine = await start();
    expect(engine.revision).toBe("3");
    expect(named("policy.unreachable")).toMatchObject([{ fields: { kept: "3" } }]);
  });

  test("does not use a kept bundle that was tampered with, and does not begin at all", async () => {
    server.serve(await bundle("3"), "\"a\"");
    await start();
    server.answer = (_request, response) => { response.writeHead(500).end(); };
    const path = join(state, "policy", "kept.tar.gz");
    const kept = await readFile(path);
    await writeFile(path, await signed(await policyFiles({ hosts: [] }, "9"), keysOf()));
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining("its signature does not hold"), exitCode: 78 });
    await writeFile(path, await bundle("2"));
    await expect(start()).rejects.toThrow("its revision 2 is lower than 3");
    await writeFile(path, kept);
    expect((await start()).revision).toBe("3");
  });

  test("for the first time does not begin, and says what is missing", async () => {
    await expect(start()).rejects.toMatchObject({ message: expect.stringMatching(/there is no policy to begin with: .* answered 404/), exitCode: 78 });
  });

  test("with a bad bundle on the server begins with the kept one, and refuses the other", async () => {
    server.serve(await bundle("3"), "\"a\"");
    await start();
    server.serve(await signed(await policyFiles({ hosts: [] }, "4"), keysOf()), "\"b\"");
    expect((await start()).revision).toBe("3");
    expect(named("policy.refused")).toMatchObject([{ fields: { kept: "3" } }]);
  });
});
