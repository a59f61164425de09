import { expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { ProbeWatch } from "../../../../proxy/exchange/probe-watch.ts";
import { Scrubber } from "../../../../proxy/exchange/scrub.ts";

const KEY = "sk-ant-api03-Zq7Lw2Xn9Rt4Vb6Kd8Hs1Jf3Mg5Pc0Ya";
const REFERENCE = "api@file:key#1";

/** How many probes a text is, in one piece and byte by byte. */
function probesIn(text: string, key = KEY): readonly number[] {
  const count = (parts: readonly string[]): number => {
    let probes = 0;
    const scrubber = new Scrubber([new Secret(key)], () => {}, () => { probes += 1; });
    for (const part of parts) scrubber.push(Buffer.from(part));
    scrubber.flush();
    return probes;
  };
  return [count([text]), count(text.split(""))];
}

test.each([
  ["a right beginning that goes on wrongly", `${KEY.slice(0, 21)}! and more`],
  ["a right beginning at the end", `say ${KEY.slice(0, 30)}`],
  ["the same in base64", `${Buffer.from(KEY).toString("base64").slice(0, 40)}!`],
])("%s is a probe", (_what, text) => {
  expect(probesIn(text)).toEqual([1, 1]);
});

test.each([
  ["what all keys of the kind begin with", `${KEY.slice(0, 13)}WEIRDUMMY`],
  ["a few characters more", `${KEY.slice(0, 20)}! and more`],
  ["the key itself, which is masked", `it is ${KEY}, you see: "${KEY}"`],
  ["the key in other writings", `${Buffer.from(KEY).toString("base64")} ${encodeURIComponent(KEY)} ${Buffer.from(KEY).toString("hex")} `],
  ["text of another kind", "the quick brown fox ".repeat(100)],
])("%s is none", (_what, text) => {
  expect(probesIn(text)).toEqual([0, 0]);
});

test("half of a short secret is a probe, and less is none", () => {
  expect(probesIn("correct-pony", "correct-horse!")).toEqual([1, 1]);
  expect(probesIn("corral", "correct-horse!")).toEqual([0, 0]);
});

test("an instance may probe a credential 32 times; then it is lent no more, to it alone and in this version alone", () => {
  const watch = new ProbeWatch();
  for (let probe = 0; probe < 32; probe += 1) expect(watch.note("i1", REFERENCE)).toBeNull();
  watch.requireTrusted("i1", [REFERENCE]);
  expect(watch.note("i1", REFERENCE)).toMatchObject({ code: "credential.probed", explanation: { rule: "grant.api" } });
  expect(() => { watch.requireTrusted("i1", ["other@file:x#1", REFERENCE]); }).toThrow(expect.objectContaining({ code: "credential.probed" }));
  watch.requireTrusted("i2", [REFERENCE]);
  watch.requireTrusted("i1", ["api@file:key#2"]);
});
