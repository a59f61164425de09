import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventSourceFraming } from "../../../../../../proxy/metering/answers/framing/event-source.ts";
import type { EventSight, StreamEvent } from "../../../../../../proxy/metering/answers/framing/framing.ts";

const LIMIT_BYTES = 1_000_000;

function run(text: string | Buffer, cuts: readonly number[], fate: EventSight = () => "pass", limitBytes = LIMIT_BYTES) {
  const framing = new EventSourceFraming(limitBytes);
  const bytes = Buffer.from(text);
  const seen: StreamEvent[] = [];
  const see: EventSight = (event) => { seen.push(event); return fate(event); };
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    out.push(framing.push(Buffer.from(bytes.subarray(at, cut)), see));
    at = cut;
  }
  const beforeEnd = Buffer.concat(out).toString();
  return { seen, beforeEnd, passed: beforeEnd + framing.end(see).toString(), framing };
}

const everyByte = (text: string) => Array.from({ length: Buffer.byteLength(text) }, (_, index) => index);

describe("EventSourceFraming", () => {
  test("sees name and data of events with any line end, and joins several data lines", () => {
    const text = "\ufeffevent: a\r\ndata: 1\r\n\r\n: comment\n\ndata:2\ndata: 3\n\nevent: alone\n\rdata\r\rid: 7\ndata:  4\n\n";
    expect(run(text, []).seen).toEqual([{ name: "a", data: "1" }, { name: null, data: "2\n3" }, { name: null, data: "" }, { name: null, data: " 4" }]);
    expect(run(text, everyByte(text)).seen).toEqual(run(text, []).seen);
  });

  test("passes an event with its last byte and nothing of the next one", () => {
    const { beforeEnd, passed } = run("data: 1\n\ndata: 2\n\ndata: 3", [12]);
    expect(beforeEnd).toBe("data: 1\n\ndata: 2\n\n");
    expect(passed).toBe("data: 1\n\ndata: 2\n\ndata: 3");
  });

  test("returns a chunk of whole events itself, uncopied", () => {
    const chunk = Buffer.from("data: 1\n\ndata: 2\n\n");
    expect(new EventSourceFraming(LIMIT_BYTES).push(chunk, () => "pass").buffer).toBe(chunk.buffer);
  });

  test("swallows an event with all of its line ends, also where CR and LF come apart", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["data: 1", "", "data: x", "", "data: 2", "", ""].join(end);
      for (const cut of everyByte(text)) {
        expect(run(text, [cut], ({ data }) => (data === "x" ? "swallow" : "pass")).passed, JSON.stringify([end, cut])).toBe(["data: 1", "", "data: 2", "", ""].join(end));
      }
    }
  });

  test("replaces the data of an event and nothing else of it", () => {
    const replace: EventSight = ({ data }) => (data === "old" ? { data: "new" } : "pass");
    expect(run("event: x\r\n: c\r\ndata: old\r\nid: 1\r\n\r\ndata: o\r\ndata: ld\r\n\r\n", [3], replace).passed).toBe("event: x\r\n: c\r\ndata: new\r\nid: 1\r\n\r\ndata: o\r\ndata: ld\r\n\r\n");
  });

  test("sees the same and passes the same bytes however they are split", () => {
    const line = fc.constantFrom("data: a", "data:b", "event: n", ": c", "", "", "data: Grüße 👋", "x");
    const text = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 }).map((lines) => lines.flat().join(""));
    fc.assert(fc.property(text, fc.array(fc.nat(400)), fc.constantFrom<EventSight>(() => "pass", ({ data }) => (data === "b" ? "swallow" : "pass")), (stream, cuts, fate) => {
      const bytes = Buffer.byteLength(stream);
      const whole = run(stream, [], fate);
      const split = run(stream, cuts.filter((cut) => cut < bytes).sort((a, b) => a - b), fate);
      expect(split.seen).toEqual(whole.seen);
      expect(split.passed).toBe(whole.passed);
    }), { numRuns: 500 });
  });

  test("passes all unread from the first event that is larger than the limit", () => {
    const { passed, framing, seen } = run(`data: 1\n\ndata: ${"x".repeat(200)}\n\ndata: 2\n\n`, [50, 120, 180], () => "swallow", 100);
    expect(framing.isBlind).toBe(true);
    expect(seen).toEqual([{ name: null, data: "1" }]);
    expect(passed).toBe(`data: ${"x".repeat(200)}\n\ndata: 2\n\n`);
    expect(framing.close([{ name: null, data: "end" }])).toHaveLength(0);
  });

  test("holds no more than twice its limit of an event of 100 MB, and takes one that comes byte by byte", () => {
    const framing = new EventSourceFraming(LIMIT_BYTES);
    const chunk = Buffer.alloc(64 * 1024, "x");
    let passed = framing.push(Buffer.from("data: "), () => "pass").length;
    for (let sent = 0; sent < 100 * 1024 * 1024; sent += chunk.length) passed += framing.push(chunk, () => "pass").length;
    expect(passed).toBe(6 + 100 * 1024 * 1024);
    const slow = `data: ${"y".repeat(100_000)}\n\n`;
    expect(run(slow, everyByte(slow)).seen).toEqual([{ name: null, data: "y".repeat(100_000) }]);
  });

  test("ends with events of ours in place of one that is not complete", () => {
    const framing = new EventSourceFraming(LIMIT_BYTES);
    expect(framing.push(Buffer.from("data: 1\n\ndata: {\"ha"), () => "pass").toString()).toBe("data: 1\n\n");
    expect(framing.close([{ name: "stop", data: "{}" }, { name: null, data: "[DONE]" }]).toString()).toBe("event: stop\ndata: {}\n\ndata: [DONE]\n\n");
    expect(framing.end(() => "pass")).toHaveLength(0);
  });
});
