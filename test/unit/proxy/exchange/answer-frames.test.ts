import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { AnswerFrames } from "../../../../proxy/exchange/answer-frames.ts";
import { isControl, readFrameHeader, writeFrame } from "../../../../proxy/exchange/frame-header.ts";
import { Scrubber } from "../../../../proxy/exchange/scrub.ts";

const VALUE = "c4nary-s3cret-value";
const MASKED = "*".repeat(VALUE.length);
const TEXT = 1;
const CONTINUED = 0;
const CLOSE = 8;
const PING = 9;

function open(): AnswerFrames {
  const secrets = [new Secret(VALUE)];
  return new AnswerFrames(new Scrubber(secrets), new Scrubber(secrets));
}

const say = (text: string, opcode = TEXT, isFinal = true) => writeFrame(opcode, isFinal, Buffer.from(text));

/** What a client makes of frames: whole messages, and control frames where they stood. @throws Error for fragments out of order */
function read(bytes: Buffer): string[] {
  const said: string[] = [];
  let message: string | null = null;
  for (let at = 0; at < bytes.byteLength;) {
    let length = 2;
    let header = readFrameHeader([...bytes.subarray(at, at + length)]);
    while (header === null) header = readFrameHeader([...bytes.subarray(at, at + (length += 1))]);
    const payload = bytes.subarray(at + length, at + length + header.payloadBytes).toString("latin1");
    at += length + header.payloadBytes;
    if (isControl(header.opcode)) said.push(`<${header.opcode}>${payload}`);
    else {
      if ((header.opcode === CONTINUED) !== (message !== null)) throw new Error("a fragment out of order");
      message = (message ?? "") + payload;
      if (!header.isFinal) continue;
      said.push(message);
      message = null;
    }
  }
  return said;
}

const through = (frames: AnswerFrames, ...chunks: readonly Buffer[]) => read(Buffer.concat(chunks.map((chunk) => frames.push(chunk))));

describe("a secret is masked", () => {
  test("in a message", () => {
    expect(through(open(), say(`see ${VALUE}!`))).toEqual([`see ${MASKED}!`]);
  });

  test("across the fragments of a message, with other frames between them, cut anywhere", () => {
    const bytes = Buffer.concat([say("see c4nary", TEXT, false), say("ping", PING), say("-s3", CONTINUED, false), say("", CONTINUED, false), say("cret-value!", CONTINUED)]);
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: bytes.byteLength })), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.byteLength];
      const chunks = edges.slice(1).map((edge, at) => bytes.subarray(edges[at], edge));
      expect(through(open(), ...chunks)).toEqual(["<9>ping", `see ${MASKED}!`]);
    }));
  });

  test("in what control frames carry", () => {
    expect(through(open(), say(VALUE, PING), writeFrame(CLOSE, true, Buffer.from(`\x03\xe8bye ${VALUE}`, "latin1")))).toEqual([`<9>${MASKED}`, `<8>\x03\xe8bye ${MASKED}`]);
  });

  test("in parts when a message ends within it, but for a first part of less than 8 characters", () => {
    expect(through(open(), say(VALUE.slice(0, 8)), say(VALUE.slice(8)))).toEqual(["********", "*".repeat(VALUE.length - 8)]);
    expect(through(open(), say(VALUE.slice(0, 7)), say(VALUE.slice(7)))).toEqual([VALUE.slice(0, 7), "*".repeat(VALUE.length - 7)]);
  });
});

describe("everything else passes", () => {
  test("whole, in order, with its lengths", () => {
    const large = "x".repeat(70_000);
    expect(through(open(), say("a"), say("", TEXT), say(large), say("b".repeat(200), 2), say("", PING))).toEqual(["a", "", large, "b".repeat(200), "<9>"]);
  });

  test("at the end of each message: nothing is held back", () => {
    expect(read(open().push(say("ends with c4n")))).toEqual(["ends with c4n"]);
  });

  test("before a long frame is complete", () => {
    const frame = say("y".repeat(1_000));
    expect(open().push(frame.subarray(0, 500)).byteLength).toBeGreaterThan(490);
  });
});

test.each<[string, Buffer]>([
  ["masked", Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5])], ["compressed", Buffer.from([0xc1, 1, 0x78])], ["the continuation of nothing", say("x", CONTINUED)],
  ["a message within a message", Buffer.concat([say("x", TEXT, false), say("y")])],
])("a frame that is %s ends it", (_what, bytes) => {
  const frames = open();
  frames.push(bytes);
  expect(frames.fault).not.toBeNull();
  expect(frames.push(say("more")).byteLength).toBe(0);
});
