import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { Scrubber, scrubText } from "../../../../proxy/exchange/scrub.ts";

const VALUE = 'ghp_/a+b"c&d<Zß9-x7Qm';
const secret = new Secret(VALUE);

function scrubbed(text: string, cuts: readonly number[] = [], value: Secret | readonly Secret[] = secret, encoding: BufferEncoding = "utf8"): string {
  const scrubber = new Scrubber(value instanceof Secret ? [value] : value);
  const bytes = Buffer.from(text, encoding);
  const parts: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.byteLength]) {
    parts.push(Buffer.from(scrubber.push(bytes.subarray(from, to))));
    from = to;
  }
  return Buffer.concat([...parts, scrubber.flush()]).toString(encoding);
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
    ["in base64 in lines of MIME", base64(`${"x".repeat(50)}${VALUE}tail`).replace(/(.{76})/g, "$1\r\n")],
    ["in base64 in short lines", base64(`ab${VALUE}`).replace(/(.{9})/g, "$1\n")],
    ["in base64 in the lines of a text in JSON", JSON.stringify(base64(VALUE).replace(/(.{20})/g, "$1\n"))],
    ["in base64 in a URL", encodeURIComponent(base64(`??>${VALUE}`))],
    ["in hex with colons", hex.replace(/(..)(?=.)/g, "$1:")],
    ["in hex with spaces, in lines", hex.replace(/(..)(?=.)/g, "$1 ").replace(/(.{24})/g, "$1\n")],
    ["in hex of C", [...Buffer.from(VALUE)].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(", ")],
    ["as a list of numbers", JSON.stringify(Buffer.from(VALUE))],
    ["as a list of numbers, a line each", JSON.stringify(Buffer.from(VALUE), null, 2)],
    ["in JSON in JSON", JSON.stringify(JSON.stringify({ at: VALUE }))],
    ["in JSON with an escape for each character", [...VALUE].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")],
    ["with \\x escapes", [...Buffer.from(VALUE)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")],
    ["with octal escapes", [...Buffer.from(VALUE)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")],
    ["percent-encoded byte for byte", [...Buffer.from(VALUE)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")],
    ["percent-encoded twice", encodeURIComponent(encodeURIComponent(VALUE))],
    ["percent-encoded here and there", VALUE.replace("h", "%68").replace("+", "%2B").replace("7", "%37")],
    ["in a form", new URLSearchParams({ token: VALUE }).toString()],
    ["in HTML with numbers", [...VALUE].map((each) => `&#${each.charCodeAt(0)};`).join("")],
    ["in HTML with hexadecimal numbers", [...VALUE].map((each) => `&#X${each.charCodeAt(0).toString(16).toUpperCase()};`).join("")],
    ["in HTML with names, escaped twice", VALUE.replaceAll("&", "&amp;amp;").replaceAll("<", "&amp;lt;").replaceAll("/", "&sol;")],
    ["in quoted-printable with soft line ends", [...Buffer.from(VALUE)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("").replace(/(.{21})/g, "$1=\r\n")],
    ["reversed", [...VALUE].toReversed().join("")],
    ["in upper case", VALUE.toUpperCase().replace("SS", "ß")],
    ["in lower case", VALUE.toLowerCase()],
    ["many times", `${VALUE}${VALUE} ${VALUE}`],
  ])("%s", (_how, echoed) => {
    const text = `before ${echoed} after`;
    const clean = scrubbed(text);
    expect(clean).toContain("*****");
    expect(Buffer.byteLength(clean)).toBe(Buffer.byteLength(text));
    for (const form of [VALUE, hex, hex.toUpperCase(), base64(VALUE).slice(0, -4), encodeURIComponent(VALUE)]) expect(clean).not.toContain(form);
  });

  test.each(["utf16le", "utf-16be", "utf-32"])("in %s", (encoding) => {
    const wide = Buffer.from(`before ${VALUE} after`, "utf16le");
    if (encoding === "utf-16be") wide.swap16();
    const bytes = encoding === "utf-32" ? Buffer.concat([...VALUE].map((each) => Buffer.from([each.charCodeAt(0), 0, 0, 0]))) : wide;
    const clean = Buffer.from(scrubbed(bytes.toString("latin1"), [], secret, "latin1"), "latin1");
    expect(clean.includes(0x67)).toBe(false);
    expect(clean.toString("latin1")).toContain("*".repeat(VALUE.length));
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
    expect(scrubText("https://evil/?leak=s3cr3t-value&a", [new Secret("s3cr3t-value")])).toBe("https://evil/?leak=************&a");
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

  test.each<[string, string]>([
    ["a beginning", VALUE.slice(0, -1)], ["an end", VALUE.slice(1)], ["two line ends in it", base64(VALUE).replace(/(.{9})/g, "$1\n\n")], ["another base64", base64(VALUE.replace("7", "8"))],
  ])("%s", (_what, text) => {
    expect(scrubbed(`before ${text} after`)).toBe(`before ${text} after`);
  });
});

describe("secrets that are hard to tell apart", () => {
  test("one that overlaps itself is masked as a whole", () => {
    const value = new Secret("abcabcabcabc");
    const text = "xabcabcabcabcabcabcx";
    for (let cut = 0; cut <= text.length; cut += 1) expect(scrubbed(text, [cut], value)).toBe(`x${"*".repeat(18)}x`);
  });

  test("one that begins another is masked alone and within it", () => {
    const both = [new Secret("prefix-of-1234"), new Secret("prefix-of-1234-and-more")];
    const text = "a prefix-of-1234-and-more b prefix-of-1234-and c";
    for (let cut = 0; cut <= text.length; cut += 1) expect(scrubbed(text, [cut], both)).toBe(`a ${"*".repeat(23)} b ${"*".repeat(14)}-and c`);
  });

  test("all random ones, in any form, at any place, cut anywhere, are masked: nothing else is", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab09+/=%\\\n &;:-_\"x") });
    const value = fc.string({ unit: fc.constantFrom(..."abAB09+/=%\\&;:-_\"<x"), minLength: 8, maxLength: 24 });
    const form = fc.constantFrom<(value: string) => string>((plain) => plain, base64, (plain) => Buffer.from(plain).toString("hex"), (plain) => JSON.stringify(plain).slice(1, -1), encodeURIComponent);
    fc.assert(fc.property(fc.tuple(text, text), value, form, fc.array(fc.integer({ min: 0, max: 200 })), ([before, after], plain, write, cuts) => {
      const whole = `${before}${write(plain)}${after}`;
      const shown = scrubbed(whole, [...new Set(cuts)].filter((cut) => cut <= whole.length).toSorted((a, b) => a - b), new Secret(plain));
      expect(shown).toHaveLength(whole.length);
      expect(shown).not.toContain(write(plain).replace(/..==$|..=$/, ""));
      expect(shown).toBe(scrubbed(whole, [], new Secret(plain)));
    }), { numRuns: 2_000 });
  });
});

describe("what cannot wait", () => {
  test("is released, and the rest of the secret is masked when it comes", () => {
    const scrubber = new Scrubber([new Secret("s3cr3t-value")]);
    expect(scrubber.push(Buffer.from("see s3cr")).toString()).toBe("see ");
    expect(scrubber.release().toString()).toBe("s3cr");
    expect(scrubber.push(Buffer.from("3t-v")).toString()).toBe("");
    expect(scrubber.release().toString()).toBe("****");
    expect(scrubber.push(Buffer.from("alue, and on")).toString()).toBe("****, and on");
  });

  test("is masked if it is too much of a secret to be chance, at the end of a stream too", () => {
    const scrubber = new Scrubber([new Secret("s3cr3t-value")]);
    expect(scrubber.push(Buffer.from("see s3cr3t-v")).toString()).toBe("see ");
    expect(scrubber.release().toString()).toBe("********");
    expect(scrubber.push(Buffer.from("alue, s3cr3t-valu")).toString()).toBe("****, ");
    expect(scrubber.flush().toString()).toBe("***********");
  });

  test("is known to be more than chance", () => {
    const scrubber = new Scrubber([new Secret("s3cr3t-value")]);
    scrubber.push(Buffer.from("see s3c"));
    expect([scrubber.isHolding, scrubber.isSure]).toEqual([true, false]);
    scrubber.push(Buffer.from("r3"));
    expect([scrubber.isHolding, scrubber.isSure]).toEqual([true, true]);
  });
});

test("says once for each find which secret it shows", () => {
  const finds: number[] = [];
  const scrubber = new Scrubber([new Secret("first-secret"), new Secret("other-secret")], (index) => { finds.push(index); });
  scrubber.push(Buffer.from(`other-secret first-secret ${base64("first-secret")} first-s`));
  scrubber.flush();
  expect(finds).toEqual([1, 0, 0]);
});

describe("hostile text takes time in proportion to its length", () => {
  test.each<[string, string, string]>([
    ["near misses", VALUE, VALUE.slice(0, -1)], ["beginnings only", VALUE, `${VALUE.slice(0, 5)}!`], ["a secret of one letter, over and over", "a".repeat(32), `${"a".repeat(31)}b`], ["gaps", VALUE, `${VALUE.slice(0, 5)}\n\n   `],
  ])("%s", (_what, value, text) => {
    const scrubber = new Scrubber([new Secret(value)]);
    const bytes = Buffer.from(text.repeat(Math.ceil(262_144 / text.length)));
    const startedMs = performance.now();
    for (let at = 0; at < bytes.byteLength; at += 1_024) scrubber.push(bytes.subarray(at, at + 1_024));
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
