import { expect, test } from "vitest";
import { namedValues } from "../../../../proxy/credentials/named-values.ts";

const PAIR = JSON.stringify({ Version: 1, AccessKeyId: "AKIAEXAMPLE", SecretAccessKey: "secret-of-the-test", SessionToken: "" });
const FIELDS = { accessKeyId: "AccessKeyId", secretAccessKey: "SecretAccessKey" };

test("each named field of the text is one value", () => {
  const values = namedValues(PAIR, FIELDS, "file:aws");
  expect(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()])))
    .toStrictEqual({ accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret-of-the-test" });
});

test.each([
  ["a field that is not there", PAIR, { password: "Password" }, "missing: file:aws has no field Password"],
  ["a field that the language brings", PAIR, { password: "constructor" }, "missing: file:aws has no field constructor"],
  ["a number", PAIR, { password: "Version" }, "malformed: file:aws has no text in field Version"],
  ["an empty text", PAIR, { sessionToken: "SessionToken" }, "malformed: file:aws has no text in field SessionToken"],
  ["a text that is no JSON", "secret-of-the-test", FIELDS, "malformed: file:aws is no JSON object, which `fields` asks for"],
  ["a list", "[1]", FIELDS, "malformed: file:aws is no JSON object, which `fields` asks for"],
])("%s is refused, and no word of it is in the error", (_, text, fields, message) => {
  expect(() => namedValues(text, fields, "file:aws")).toThrow(message);
  expect(message).not.toContain("secret-of-the-test");
});
