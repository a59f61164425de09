import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { misdirection } from "../../../../proxy/credentials/binding.ts";
import { aBinding, aHead } from "../../../support/credentials.ts";

describe("the binding of a grant", () => {
  test("takes a request that is inside in every respect", () => {
    expect(misdirection(aBinding(), aHead())).toBeNull();
  });

  test.each([
    ["plain http", { scheme: "http" as const }, "plain http"],
    ["plain http to its own host on its own port", { scheme: "http" as const, port: 443 }, "plain http"],
    ["another host", { host: "evil.test" }, "host evil.test"],
    ["a host below its own", { host: "x.api.example.test" }, "host x.api.example.test"],
    ["a host that its own is the end of", { host: "notapi.example.test" }, "host notapi.example.test"],
    ["a host that begins like its own", { host: "api.example.test.evil.test" }, "host api.example.test.evil.test"],
    ["another port", { port: 8443 }, "port 8443"],
    ["another method", { method: "DELETE" }, "method DELETE"],
    ["the method in lower case", { method: "get" }, "method get"],
    ["another path", { path: "/admin" }, "the path"],
    ["a path that begins like its own", { path: "/v1x/things" }, "the path"],
    ["OPTIONS *", { method: "OPTIONS", path: "*" }, "method OPTIONS"],
  ])("refuses %s", (_name, over, why) => {
    expect(misdirection(aBinding(), aHead(over))).toContain(why);
  });

  test.each(["/v1/tokens", "/v1/tokens/", "/v1/tokens/7/rotate", "/v1/Tokens", "/v1/tokens.json", "/v1/tokens;a=b", "/v1%2Ftokens", "/v1/x%2Fy%2F..%2Ftokens/create"])("refuses a path that it leaves out, however it is written: %s", (path) => {
    const binding = aBinding({ paths: ["/**"], notPaths: ["/v1/tokens/**", "/v1/*/tokens/create", "/v1/x/y/../tokens/*"] });
    expect(misdirection(binding, aHead({ path }))).toContain("leaves out");
  });

  test.each(["/v1", "/v1/things", "/v1/tokens-of-text", "/v1/things/tokens"])("takes one beside it: %s", (path) => {
    expect(misdirection(aBinding({ paths: ["/**"], notPaths: ["/v1/tokens/**", "/v1/*/tokens/create"] }), aHead({ path }))).toBeNull();
  });

  test("takes no request whose host is not one of its names, whatever the host is", () => {
    fc.assert(fc.property(fc.string(), (host) => {
      fc.pre(host !== "api.example.test");
      expect(misdirection(aBinding(), aHead({ host }))).not.toBeNull();
    }));
  });
});
