import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { AnswerBody, type AnswerBodyObserver } from "../../../../proxy/exchange/answer-body.ts";
import { Scrubber } from "../../../../proxy/exchange/scrub.ts";
import { FakeAnswer } from "../../../support/exchange-answer.ts";

const VALUE = "c4nary-s3cret-value";
let answer: FakeAnswer;
let heard: (string | undefined)[];
let limitBytes: number;
const observer: AnswerBodyObserver = {
  onDecodedBytes: (total) => (total > limitBytes ? new EgressError("upstream.body-limit", "too much") : null),
  onAnswerWanted: () => { heard.push("wanted"); },
  onAnswerExhausted: () => { heard.push("exhausted"); },
  onAnswerEnd: () => { heard.push("end"); },
  onAnswerBroken: ({ code }) => { heard.push(code); },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  answer = new FakeAnswer();
  answer.head(200, []);
  heard = [];
  limitBytes = Infinity;
});
afterEach(() => { vi.useRealTimers(); });

const open = (...codings: readonly string[]) => new AnswerBody(answer, { codings, filtered: null, metered: null, scrubber: new Scrubber([new Secret(VALUE)]) }, observer);
const seen = () => answer.body.toString();

describe("a body that begins a secret where it pauses", () => {
  test("waits a moment for more, then passes: the agent may be waiting for the end of it", () => {
    const body = open();
    body.data(Buffer.from("data: magic\n\ndata: c4"));
    expect(seen()).toBe("data: magic\n\ndata: ");
    vi.advanceTimersByTime(20);
    expect(seen()).toBe("data: magic\n\ndata: c4");
    body.data(Buffer.from("nary-s3cret-value\n\n"));
    expect(seen()).toBe(`data: magic\n\ndata: c4${"*".repeat(VALUE.length - 2)}\n\n`);
  });

  test("is not passed by waiting once it is more than chance", () => {
    const body = open();
    body.data(Buffer.from("see c4nary"));
    vi.advanceTimersByTime(60_000);
    expect(seen()).toBe("see ");
    body.data(Buffer.from("-s3cret-value."));
    expect(seen()).toBe(`see ${"*".repeat(VALUE.length)}.`);
  });

  test("passes with its end", () => {
    const body = open();
    body.data(Buffer.from("see c4nary"));
    body.end();
    expect([seen(), heard]).toEqual(["see c4nary", ["end"]]);
  });
});

test("between two events it tells an agent that reads, and keeps nothing for one that does not", () => {
  const body = new AnswerBody(answer, { codings: [], filtered: null, metered: null, scrubber: null }, observer);
  expect(body.tell(Buffer.from("one "))).toBe(true);
  answer.isFull = true;
  expect([body.tell(Buffer.from("two ")), body.tell(Buffer.from("three ")), seen()]).toEqual([true, false, "one two "]);
  answer.isFull = false;
  body.resume();
  expect([body.tell(Buffer.from("four")), seen(), heard]).toEqual([true, "one two four", ["wanted"]]);
  body.close();
  expect(body.tell(Buffer.from("five"))).toBe(false);
});

describe("a body that has to be decoded", () => {
  test("is searched as it was meant, and ends when all of it has gone", async () => {
    const body = open("gzip");
    body.data(gzipSync(`see ${VALUE}`));
    body.end();
    await vi.waitFor(() => { expect(heard).toEqual(["end"]); });
    expect(seen()).toBe(`see ${"*".repeat(VALUE.length)}`);
  });

  test("is cut where it grows over what policy allows", async () => {
    limitBytes = 100;
    open("gzip").data(gzipSync("x".repeat(1_000)));
    await vi.waitFor(() => { expect(heard).toEqual(["upstream.body-limit"]); });
    expect(seen()).toBe("");
  });

  test("tells nothing after it was closed", async () => {
    const body = open("gzip");
    body.data(gzipSync("x".repeat(1_000)));
    body.close();
    body.end();
    await new Promise((resolve) => { setImmediate(resolve); });
    expect([seen(), heard]).toEqual(["", []]);
  });
});
