import { expect, test } from "vitest";
import { uncertainText } from "../../../../common/json/certain-text.ts";

const problemOf = (text: string) => uncertainText(text, JSON.parse(text));

test.each([String.raw`"\ud83d"`, String.raw`{"a":[{"b":"x\uDE00"}]}`, String.raw`{"\ud83d":1}`, String.raw`{"a\u0000":1}`, String.raw`"\\\ud83d"`])("%s is not the same text to everybody", (text) => {
  expect(problemOf(text)).toEqual(expect.any(String));
});

test.each([String.raw`"\ud83d\ude00"`, `{"\u{1f600}":"\u{1f600}"}`, String.raw`"\\ud83d"`, String.raw`"a\u0000"`, `{"a":[null,1,true]}`])("%s is", (text) => {
  expect(problemOf(text)).toBeNull();
});
