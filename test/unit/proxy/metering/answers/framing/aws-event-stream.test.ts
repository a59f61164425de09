import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AwsEventStreamFraming } from "../../../../../../proxy/metering/answers/framing/aws-event-stream.ts";
import type { StreamEvent } from "../../../../../../proxy/metering/answers/framing/framing.ts";
import { awsFrame, awsFrames } from "../../../../../support/model-answers/wire-forms.ts";

function run(bytes: Buffer, cuts: readonly number[], limitBytes = 10_000) {
  const framing = new AwsEventStreamFraming(limitBytes);
  const seen: StreamEvent[] = [];
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    out.push(framing.push(Buffer.from(bytes.subarray(at, cut)), (event) => { seen.push(event); return "pass"; }));
    at = cut;
  }
  return { seen, passed: Buffer.concat([...out, framing.end()]), framing };
}

const STREAM = awsFrames([["messageStart", { role: "assistant" }], ["contentBlockDelta", { delta: { text: "👋" } }], ["metadata", { usage: {} }]]);

describe("AwsEventStreamFraming", () => {
  test("sees each frame and passes all bytes, however they are split", () => {
    const whole = run(STREAM, []);
    expect(whole.seen.map(({ name }) => name)).toEqual(["messageStart", "contentBlockDelta", "metadata"]);
    fc.assert(fc.property(fc.array(fc.nat(STREAM.length - 1), { maxLength: 60 }), (cuts) => {
      const { seen, passed } = run(STREAM, cuts.sort((a, b) => a - b));
      expect(seen).toEqual(whole.seen);
      expect(passed.equals(STREAM)).toBe(true);
    }));
  });

  test("sees an exception as one", () => {
    expect(run(awsFrame("throttlingException", { message: "slow" }, "exception"), []).seen).toEqual([{ name: "exception", data: "{\"message\":\"slow\"}" }]);
  });

  test("passes all unread from a frame whose checksums are wrong", () => {
    for (let at = 0; at < STREAM.length; at += 1) {
      const broken = Buffer.from(STREAM);
      broken[at] = (broken[at] ?? 0) ^ 0x01;
      const { seen, passed, framing } = run(broken, [7, 40]);
      expect(passed.equals(broken), `byte ${at}`).toBe(true);
      expect(seen.length, `byte ${at}`).toBeLessThan(3);
      expect(framing.isBlind || framing.close([]).length === 0).toBe(true);
    }
  });

  test("gives up at once at a length that is none or beyond the limit", () => {
    for (const length of [0, 15, 10_001, 0xffff_ffff]) {
      const prelude = Buffer.alloc(12);
      prelude.writeUInt32BE(length);
      const { framing, passed } = run(prelude, [3]);
      expect(framing.isBlind).toBe(true);
      expect(passed.equals(prelude)).toBe(true);
    }
  });
});
