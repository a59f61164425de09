import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { Scrubber } from "../../../../proxy/exchange/scrub.ts";

const VALUE = 'ghp_/a+b"c&d<Zß9-x7Qm';
const secret = new Secret(VALUE);

function scrubbed(text: string | Buffer, cuts: readonly number[] = [], value = secret): string {
  const scrubber = new Scrubber([value]);
  const bytes = Buffer.from(text as string);
  const parts: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.byteLength]) {
    parts.push(Buffer.from(scrubber.push(bytes.subarray(from, to))));
    from = to;
  }
  return Buffer.concat([...parts, scrubber.flush()]).toString();
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const hex = Buffer.from(VALUE).toString("hex");

describe("a lent secret does not come back", () => {
  test.each<[string, string]>([
    ["as it is", VALUE],
    ["in JSON", JSON.stringify({ authorization: `Bearer ${VALUE}` })],
    ["in JSON with escaped slashes", JSON.stringify(VALUE).replaceAll("/", "\\/")],
    ["percent-encoded", encodeURIComponent(VALUE)],
    ["percent-encoded in lower case", encodeURIComponent(VALUE).replace(/%../g, (escape) => escape.toLowerCase())],
    ["in HTML", VALUE.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")],
    ["in hex", hex],
    ["in upper-case hex", hex.toUpperCase()],
    ["in base64", base64(VALUE)],
    ["in base64 behind one byte", base64(`a${VALUE}tail`)],
    ["in base64 behind two bytes", base64(`ab${VALUE}tail`)],
    ["in basic authentication", `Basic ${base64(`x-access-token:${VALUE}`)}`],
    ["in URL-safe base64", Buffer.from(`id:${VALUE}`).toString("base64url")],
    ["many times", `${VALUE}${VALUE} ${VALUE}`],
  ])("%s", (_how, echoed) => {
    const text = `before ${echoed} after`;
    const clean = scrubbed(text);
    expect(clean).toContain("*****");
    expect(Buffer.byteLength(clean)).toBe(Buffer.byteLength(text));
    for (const form of [VALUE, hex, hex.toUpperCase(), base64(VALUE).slice(0, -4), encodeURIComponent(VALUE)]) expect(clean).not.toContain(form);
  });

  test("reversed", () => {
    const ascii = new Secret("s3cr3t-value-123");
    expect(scrubbed("321-eulav-t3rc3s", [], ascii)).toBe("*".repeat(16));
  });

  test("wherever the stream is cut", () => {
    const text = `x${VALUE}y${hex}z`;
    const whole = scrubbed(text);
    const length = Buffer.byteLength(text);
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: length }), { maxLength: 12 }), (cuts) => {
      expect(scrubbed(text, cuts.toSorted((a, b) => a - b))).toBe(whole);
    }));
  });

  test("a byte at a time", () => {
    const text = `x${VALUE}y`;
    expect(scrubbed(text, Array.from({ length: Buffer.byteLength(text) }, (_, at) => at))).toBe(`x${"*".repeat(Buffer.byteLength(VALUE))}y`);
  });

  test("in a header value", () => {
    expect(new Scrubber([new Secret("s3cr3t-value")]).text("https://evil/?leak=s3cr3t-value&a")).toBe("https://evil/?leak=************&a");
  });
});

describe("everything else passes", () => {
  test("unchanged, whatever it is", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (chunks) => {
      const scrubber = new Scrubber([secret]);
      const out = Buffer.concat([...chunks.map((chunk) => Buffer.from(scrubber.push(Buffer.from(chunk)))), scrubber.flush()]);
      expect(out.equals(Buffer.concat(chunks))).toBe(true);
    }));
  });

  test("at once, unless it may be the beginning of a secret", () => {
    const scrubber = new Scrubber([secret]);
    expect(scrubber.push(Buffer.from("data: hello\n\n")).toString()).toBe("data: hello\n\n");
    expect(scrubber.push(Buffer.from("see ghp_")).toString()).toBe("see ");
    expect(scrubber.push(Buffer.from("other")).toString()).toBe("ghp_other");
  });

  test("without a copy when there is nothing to hide", () => {
    const chunk = Buffer.from("plain");
    expect(new Scrubber([secret]).push(chunk).buffer).toBe(chunk.buffer);
  });

  test("a secret of three characters is not looked for: it is in everything", () => {
    expect(scrubbed("abcabc", [], new Secret("abc"))).toBe("abcabc");
  });

  test("64 KiB of near misses do not take long", () => {
    const startedMs = performance.now();
    scrubbed(VALUE.slice(0, -1).repeat(3_000));
    expect(performance.now() - startedMs).toBeLessThan(300);
  });
});
