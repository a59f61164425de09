import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FRAME, frame, FramePeer, headers, request, uint32 } from "../support/exchange-http2.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { eventually, exchangesOf } from "../support/whole-proxy.ts";

/** What an attacker does apart arrives apart: not a wait for an outcome. */
const BETWEEN_PACKETS_MS = 1;

const HOST = "api.frames.test";
const OTHER = "other.frames.test";

const ANSWERS: Readonly<Record<string, string>> = {
  "/two-etags": "HTTP/1.1 200 OK\r\netag: \"a\"\r\netag: \"b\"\r\ncontent-length: 2\r\n\r\nok",
  "/hint-two-etags": "HTTP/1.1 103 Early Hints\r\netag: \"a\"\r\netag: \"b\"\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
};

let upstream: RawUpstream;
let stand: Stand;

beforeAll(async () => {
  const authority = await mintAuthority();
  upstream = await startRawUpstream(await authority.leaf([HOST, OTHER]), ({ path }, socket) => {
    socket.write(ANSWERS[path] ?? "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  stand = await startStand({
    authority, routes: [HOST, OTHER].map((name) => ({ name, port: 443, dialPort: upstream.port })),
    policyData: { hosts: [{ name: HOST, rule: "api", methods: ["GET", "POST"] }, { name: OTHER }] },
  });
});

afterAll(async () => {
  await stand.stop();
  await upstream.close();
});

async function anAgent(): Promise<FramePeer> {
  return new FramePeer(await stand.open(HOST, ["h2"]));
}

const ask = (path: string, over: Record<string, string> = {}, more: readonly (readonly [string, string])[] = []) =>
  request({ ":authority": HOST, ":path": path, ...over }, more);

/** Every exchange that was begun has ended: nothing is stuck. */
async function allSettled(): Promise<void> {
  await eventually("every decided exchange is closed", () => {
    const closed = new Set(exchangesOf(stand.records, "closed").map(({ exchangeId }) => exchangeId));
    return exchangesOf(stand.records, "decided").every(({ exchangeId }) => closed.has(exchangeId));
  });
}

describe("a request that is reset with any code, at any moment, harms nobody else", () => {
  test.each(["POST", "DELETE"])("%s", async (method) => {
    for (const code of [0, 1, 2, 5, 7, 8, 11, 13]) {
      for (const isTogether of [true, false]) {
        const agent = await anAgent();
        const opening = [headers(1, ask("/reset", { ":method": method }), 0), frame(FRAME.data, 0, 1, Buffer.alloc(100))];
        agent.send(...opening, ...(isTogether ? [frame(FRAME.reset, 0, 1, uint32(code))] : []), headers(3, ask("/next")));
        if (!isTogether) {
          await pause(BETWEEN_PACKETS_MS);
          agent.send(frame(FRAME.reset, 0, 1, uint32(code)));
        }
        await eventually(`the next request is answered after ${method} reset with ${code}`, () => agent.body(3) === "ok");
        agent.socket.destroy();
      }
    }
    await allSettled();
    expect(exchangesOf(stand.records, "closed").filter(({ error }) => error?.code === "internal")).toEqual([]);
  });
});

describe("an answer that HTTP/2 cannot carry", () => {
  test.each(["/two-etags", "/hint-two-etags"])("%s is a failure that says so, not a stream cut without a word", async (path) => {
    const agent = await anAgent();
    agent.send(headers(1, ask(path)), headers(3, ask("/next")));
    await eventually("both are answered", () => agent.body(3) === "ok" && agent.body(1) !== "");
    expect(JSON.parse(agent.body(1))).toMatchObject({ error: "upstream.malformed" });
    agent.socket.destroy();
  });
});

test("a connection to one name carries no request to another one, allowed or not (coalescing)", async () => {
  const agent = await anAgent();
  const before = upstream.requests.length;
  agent.send(headers(1, ask("/", { ":authority": OTHER })), headers(3, ask("/", {}, [["host", OTHER]])), headers(5, ask("/", { ":authority": `${HOST}:8443` })), headers(7, ask("/next")));
  await eventually("all are answered", () => [1, 3, 5, 7].every((id) => agent.body(id) !== ""));
  for (const id of [1, 3, 5]) expect(JSON.parse(agent.body(id))).toMatchObject({ error: "destination.mismatch" });
  expect(agent.body(7)).toBe("ok");
  expect(upstream.requests).toHaveLength(before + 1);
  agent.socket.destroy();
});

test("cookies in several fields arrive as the one field that HTTP/1.1 knows (RFC 9113 §8.2.3)", async () => {
  const agent = await anAgent();
  agent.send(headers(1, ask("/cookies", {}, [["cookie", "a=1"], ["x-between", "1"], ["cookie", "b=2"]])));
  await eventually("it is answered", () => agent.body(1) === "ok");
  expect(upstream.requests.at(-1)?.text.match(/^cookie: .*$/gim)).toEqual(["cookie: a=1; b=2"]);
  agent.socket.destroy();
});

test("frames at random end connections, not the proxy", async () => {
  let seed = 20_260_101;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 60; round += 1) {
    const agent = await anAgent();
    agent.socket.on("error", () => {});
    for (let step = 0; step < 20; step += 1) {
      const id = random(6);
      const lawful = [
        headers(1 + 2 * random(5), ask(["/", "/x", "/two-etags"][random(3)] ?? "/", { ":method": ["GET", "POST", "DELETE", "HEAD"][random(4)] ?? "GET" }), random(2)),
        frame(FRAME.data, random(2), id, Buffer.alloc(random(300))), frame(FRAME.reset, 0, id, uint32(random(14))), frame(FRAME.windowUpdate, 0, id, uint32(random(70_000))),
        frame(random(13), random(256), id, Buffer.alloc(random(40), random(256))),
      ];
      agent.send(lawful[random(lawful.length)] ?? Buffer.alloc(0));
      if (random(3) === 0) await pause(random(3));
    }
    agent.socket.destroy();
  }
  await allSettled();
  const last = await anAgent();
  last.send(headers(1, ask("/next")));
  await eventually("the proxy serves", () => last.body(1) === "ok");
  last.socket.destroy();
});
