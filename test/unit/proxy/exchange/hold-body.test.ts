import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { exchangeConfig } from "../../../../proxy/exchange/config.ts";
import { HeldBytes } from "../../../../proxy/exchange/held-bytes.ts";
import { ProbeWatch } from "../../../../proxy/exchange/probe-watch.ts";
import { IdleWatch } from "../../../../proxy/exchange/idle-watch.ts";
import { serveExchange, type ExchangePath } from "../../../../proxy/exchange/serve-exchange.ts";
import { NO_LOAN, type Finish, type Unfinished } from "../../../../proxy/model/loan.ts";
import { allow, eventually, FakeRooms, sentHeaders } from "../../../support/exchange.ts";
import { incoming, type Request } from "../../../support/exchange-answer.ts";

const LIMIT_BYTES = 8;
let fakes: FakeRooms;
let path: ExchangePath;
let sent: string[];

beforeEach(() => {
  fakes = new FakeRooms();
  path = { rooms: fakes.rooms, config: exchangeConfig.parse({ heldBodyTimeoutMs: 60_000 }), watch: new IdleWatch(() => fakes.clock.monotonicMs()), held: new HeldBytes(1_024), probes: new ProbeWatch() };
  sent = [];
  fakes.upstream.script = async (flow) => {
    sent.push((await flow.drainBody()).toString());
    flow.reply(200, [["content-length", "2"]], "ok");
  };
});
afterEach(() => { path.watch.close(); });

/** A last touch that sees the body, says its length in a field and changes it as told. */
function touching(change: (body: string) => string = (body) => body, limitBytes: number | null = LIMIT_BYTES): Finish {
  return {
    order: "place", bodyLimitBytes: () => limitBytes,
    apply: async ({ head, body }: Unfinished) => ({
      head: { ...head, headers: [...head.headers, ["x-seen", String(body?.byteLength ?? "none")]] },
      body: body === null ? null : Buffer.from(change(body.toString())),
    }),
  };
}

async function serve(request: Request, ...finish: Finish[]) {
  fakes.answer = () => allow({ grants: ["g"] });
  fakes.loan = { ...NO_LOAN, finish, secrets: [new Secret("s3cret-value")], references: ["g@file#1"] };
  const one = incoming({ method: "POST", ...request });
  await serveExchange(one, path);
  return one.answer;
}

const chunked = (...chunks: string[]): Request => ({ fields: [["transfer-encoding", "chunked"]], body: Readable.from(chunks.map((chunk) => Buffer.from(chunk)), { objectMode: false }) });
const sized = (text: string): Request => ({ fields: [["content-length", String(text.length)]], body: Readable.from([Buffer.from(text)], { objectMode: false }) });
const outbound = () => fakes.upstream.requests[0]!.request.head;

describe("a body that has to be whole", () => {
  test.each([["announced", sized("12345678")], ["in chunks", chunked("1234", "56", "78")]])("is held back up to the limit, %s, and is what is sent", async (_how, request) => {
    expect((await serve(request, touching())).status).toBe(200);
    expect(sent).toEqual(["12345678"]);
    expect(outbound().framing).toEqual({ kind: "length", bytes: 8 });
    expect(sentHeaders(outbound())).toContainEqual(["x-seen", "8"]);
  });

  test("may come byte by byte, and is kept as one", async () => {
    const text = "0123456789".repeat(24);
    await serve(chunked(...text), touching((body) => body, 240));
    expect(sent).toEqual([text]);
  });

  test.each([["announced", sized("123456789")], ["in chunks", chunked("1234", "56", "789")]])("is refused one byte beyond it, %s, with a hint, and nothing is sent", async (_how, request) => {
    const answer = await serve(request, touching());
    expect([answer.status, answer.json()]).toMatchObject([413, { error: "request.body-limit", rule: "test.allow", hint: expect.stringContaining("bodyLimitBytes") }]);
    expect(fakes.upstream.requests).toHaveLength(0);
    expect(fakes.closed()[0]).toMatchObject({ outcome: "denied", error: { code: "request.body-limit" } });
  });

  test("is refused where policy lets less through than the grant", async () => {
    fakes.rooms.policy.decide = async () => allow({ grants: ["g"], obligations: { maxRequestBytes: 4 } });
    expect((await serve(chunked("12345"), touching())).status).toBe(413);
  });

  test("is refused while all together hold as much as they may, and what was held is given back", async () => {
    for (const request of [sized("12345678"), chunked("123", "456"), chunked("123456789")]) {
      await serve(request, touching());
      expect(path.held.bytes).toBe(0);
    }
    expect(path.held.take({ namespace: "ns", name: "a", instance: "i1" }, 250)).toBe(true);
    const answer = await serve(sized("1234567"), touching());
    expect([answer.status, answer.json()]).toMatchObject([413, { error: "request.body-limit", hint: expect.stringContaining("fewer") }]);
    expect(path.held.bytes).toBe(250);
  });

  test("is given back if the last touch fails", async () => {
    const failing: Finish = { ...touching(), apply: async () => { throw new EgressError("credential.misdirected", "not this one"); } };
    expect((await serve(sized("1234"), failing)).status).toBe(403);
    expect(path.held.bytes).toBe(0);
  });

  test("has the length that it has after the last touch", async () => {
    await serve(sized("12345678"), touching((body) => body.repeat(3)), touching((body) => body.slice(1)));
    expect(sent).toEqual(["123456781234567812345678".slice(1)]);
    expect(outbound().framing).toEqual({ kind: "length", bytes: 23 });
  });

  test("is none if nothing is left of it", async () => {
    await serve(sized("1234"), touching(() => ""));
    expect([outbound().framing, fakes.upstream.requests[0]!.request.body]).toEqual([{ kind: "none" }, null]);
  });

  test("streams by if no touch wants to see it, and is none if there is none", async () => {
    await serve(chunked("123456789", "0123456789"), touching(undefined, null));
    expect([sent, sentHeaders(outbound()).at(-1)]).toEqual([["1234567890123456789"], ["x-seen", "none"]]);
    await serve({ method: "GET" }, touching());
    expect(fakes.upstream.requests[1]?.request.body).toBeNull();
  });

  test("is asked for with 100 before the decision is on the disk, and leaves only after", async () => {
    fakes.upstream.script = (flow) => { expect(fakes.decided()).toHaveLength(1); flow.reply(200, []); };
    const answer = await serve({ fields: [["content-length", "4"], ["expect", "100-continue"]], body: Readable.from([Buffer.from("1234")], { objectMode: false }) }, touching());
    expect([answer.proceeded > 0, answer.status]).toEqual([true, 200]);
    expect(fakes.records.map(({ phase, sentBefore }) => [phase, sentBefore])).toEqual([["decided", 0], ["closed", 1]]);
  });

  test("is not sent if the decision cannot be recorded", async () => {
    fakes.commitFault = new EgressError("audit.unavailable", "disk");
    expect((await serve(sized("1234"), touching())).status).toBe(503);
    expect(fakes.upstream.requests).toHaveLength(0);
  });
});

describe("an agent that keeps a body to itself", () => {
  test("is not waited for longer than its pause may be", async () => {
    const done = serve({ fields: [["transfer-encoding", "chunked"]], body: new PassThrough() }, touching());
    await eventually(() => path.watch.size === 1);
    fakes.clock.advance(29_999);
    path.watch.tick();
    expect(path.watch.size).toBe(1);
    fakes.clock.advance(1);
    path.watch.tick();
    await done;
    expect([fakes.closed()[0]?.error?.code, path.watch.size, fakes.upstream.requests.length]).toEqual(["request.timeout", 0, 0]);
  });

  test("nor than the whole may take", async () => {
    const body = new PassThrough();
    const done = serve({ fields: [["transfer-encoding", "chunked"]], body }, touching());
    await eventually(() => path.watch.size === 1);
    for (let second = 0; second < 6; second += 1) {
      body.write("x");
      await new Promise(setImmediate);
      fakes.clock.advance(10_000);
      path.watch.tick();
    }
    await done;
    expect(fakes.closed()[0]?.error).toMatchObject({ code: "request.timeout", detail: expect.stringContaining("whole") });
  });

  test("ends its exchange by leaving, and nothing was sent", async () => {
    const body = new PassThrough();
    const done = serve({ fields: [["transfer-encoding", "chunked"]], body }, touching());
    await eventually(() => path.watch.size === 1);
    body.destroy();
    await done;
    expect([fakes.closed()[0]?.error?.code, fakes.upstream.requests.length, path.watch.size]).toEqual(["relay.aborted", 0, 0]);
  });

  test("ends with its connection", async () => {
    const connection = new AbortController();
    const done = serve({ fields: [["transfer-encoding", "chunked"]], body: new PassThrough(), connection: { signal: connection.signal } }, touching());
    await eventually(() => path.watch.size === 1);
    connection.abort(new EgressError("identity.expired", "over"));
    await done;
    expect([fakes.closed()[0]?.error?.code, fakes.upstream.requests.length]).toEqual(["identity.expired", 0]);
  });
});

test("what has gone astray is refused before anything is fetched, where nothing is lent too", async () => {
  const fetched: string[] = [];
  fakes.rooms.credentials.lend = async () => { fetched.push("secret"); return NO_LOAN; };
  fakes.rooms.credentials.refuseStray = () => { throw new EgressError("credential.misdirected", "a dummy"); };
  for (const grants of [[], ["g"]]) {
    fakes.answer = () => allow({ grants });
    const one = incoming();
    await serveExchange(one, path);
    expect(one.answer.status).toBe(403);
  }
  expect([fetched, fakes.upstream.requests.length, fakes.closed().length]).toEqual([[], 0, 2]);
});
