import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { connectionsOf, eventually, exchangesOf, Received } from "../support/whole-proxy.ts";

const HOST = "api.count.test";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BEGUN = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nsome";

let authority: TestAuthority;

beforeAll(async () => { authority = await mintAuthority(); });

async function aStand(upstream: RawUpstream, config: Record<string, unknown> = {}): Promise<Stand> {
  return startStand({
    authority, config, routes: [{ name: HOST, port: 443, dialPort: upstream.port }],
    policyData: { hosts: [{ name: HOST, rule: "api", methods: ["GET", "POST"], paths: ["/**"] }, { name: HOST, effect: "deny", paths: ["/denied"], rule: "no" }] },
  });
}

describe("an agent that leaves, at any point of a request", () => {
  let upstream: RawUpstream;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await startRawUpstream(await authority.leaf([HOST]), ({ path }, socket) => {
      if (path === "/begun") socket.write(BEGUN);
      else if (path !== "/silent") socket.write(OK);
    });
    stand = await aStand(upstream);
  });

  afterAll(async () => {
    await stand.stop();
    await upstream.close();
  });

  const HEADS = [
    `GET /whole HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, `GET /denied HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, `GET /silent HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    `GET /begun HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, `POST /body HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 10\r\n\r\nhalf`,
    `POST /body HTTP/1.1\r\nHost: ${HOST}\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`, `GET /half-a-head HTTP/1.1\r\nHo`,
  ];

  test.each(["end", "reset"] as const)("by %s: nothing is sent without its record, and every record is closed", async (how) => {
    for (const head of HEADS) {
      for (const turns of [0, 1, 3, 10, 50]) {
        const socket = await stand.open(HOST);
        socket.on("error", () => {}).write(head);
        for (let waited = 0; waited < turns; waited += 1) await turn();
        if (how === "end") socket.end();
        else socket.destroy();
        const closed = once(socket.resume(), "close");
        await closed;
      }
    }
    await eventually("every connection is closed", () => connectionsOf(stand.records).filter(({ port }) => port === 443).length % (HEADS.length * 5) === 0);
    const decided = exchangesOf(stand.records, "decided").map(({ exchangeId }) => exchangeId);
    await eventually("every decision is closed", () => {
      const over = new Set(exchangesOf(stand.records, "closed").map(({ exchangeId }) => exchangeId));
      return decided.every((id) => over.has(id));
    });
    expect(upstream.requests.length).toBeLessThanOrEqual(decided.length);
    expect(upstream.requests.some(({ path }) => path === "/denied")).toBe(false);
    const ids = exchangesOf(stand.records, "closed").map(({ exchangeId }) => exchangeId);
    expect(new Set(ids).size, "each once").toBe(ids.length);
    expect(exchangesOf(stand.records, "closed").filter(({ error }) => error?.code === "internal")).toEqual([]);
  });
});

test("a destination that reads a request and then hides does not make it free", async () => {
  let seen = 0;
  const upstream: RawUpstream = await startRawUpstream(await authority.leaf([HOST]), (_request, socket) => {
    seen += 1;
    if (seen === 1) return void socket.write(OK);
    void upstream.close();
    socket.destroy();
  });
  const stand = await aStand(upstream, { budgets: { perAgent: { requests: 2, window: "total" } } });
  const statuses: number[] = [];
  for (let at = 0; at < 3; at += 1) statuses.push((await stand.ask("GET", `https://${HOST}/${at}`)).status);
  expect([seen, statuses]).toEqual([2, [200, 502, 402]]);
  await stand.stop();
});

test("parallel requests never pass the cap, and each refusal says which limit, why and what to do", async () => {
  const upstream = await startRawUpstream(await authority.leaf([HOST]), (_request, socket) => { socket.write(OK); });
  const stand = await aStand(upstream, { budgets: { perAgent: { requests: 10, window: "total" } } });
  const answers = await Promise.all(Array.from({ length: 60 }, async () => stand.ask("GET", `https://${HOST}/`)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(upstream.requests).toHaveLength(10);
  for (const { body } of answers.filter(({ status }) => status === 402)) {
    expect(JSON.parse(body)).toMatchObject({ error: "budget.exhausted", rule: "budget.agent.requests", reason: expect.stringContaining("10") as string, hint: expect.any(String) as string });
  }
  await stand.stop();
  await upstream.close();
});

test("pipelined requests around a refused one: those before are answered, the refused one too, none after is sent", async () => {
  const upstream = await startRawUpstream(await authority.leaf([HOST]), (_request, socket) => { socket.write(OK); });
  const stand = await aStand(upstream);
  const socket = await stand.open(HOST);
  const received = new Received(socket);
  socket.write(["/1", "/2", "/denied", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`).join(""));
  await received.ended.promise;
  expect(received.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 403"]);
  expect(upstream.requests.map(({ path }) => path)).toEqual(["/1", "/2"]);
  await stand.stop();
  await upstream.close();
});
