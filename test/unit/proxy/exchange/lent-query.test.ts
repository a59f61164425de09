import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { lentTarget } from "../../../../proxy/exchange/lent-query.ts";
import { NO_LOAN, type Loan } from "../../../../proxy/model/loan.ts";
import { aHead } from "../../../support/credentials.ts";

const setting = (name: string, value: string): Loan => ({ ...NO_LOAN, query: [[name, new Secret(value)]], secrets: [new Secret(value)] });
const headerOnly: Loan = { ...NO_LOAN, secrets: [new Secret("s")] };

function targetOf(query: string | null, loan: Loan, host = "api.example.test"): string {
  const target = lentTarget(aHead({ query, host, path: "/v1" }), loan);
  return typeof target === "string" ? target : target.reveal();
}

describe("a target with a lent parameter", () => {
  test.each([
    [null, "/v1?key=s3cret"], ["", "/v1?&key=s3cret"], ["a=1&b=2", "/v1?a=1&b=2&key=s3cret"], ["key=mine&a=1&key=again", "/v1?a=1&key=s3cret"],
    ["%6bey=mine", "/v1?key=s3cret"], ["KEY=mine", "/v1?key=s3cret"], ["key", "/v1?key=s3cret"], ["keys=1&akey=2", "/v1?keys=1&akey=2&key=s3cret"],
    ["%zz=1&a=%E4", "/v1?%zz=1&a=%E4&key=s3cret"],
  ])("holds nothing else of that name, however it is written: %j", (query, expected) => {
    expect(targetOf(query, setting("key", "s3cret"))).toBe(expected);
  });

  test.each([
    ["a=1;api_key=own", "a=1"], ["api_key=own;a=1;b=2", "a=1;b=2"], ["a=1;b=2", "a=1;b=2"], ["api.key=own", ""], ["api-key=own", ""], ["api+key=own", ""], ["%20api_key=own", ""], ["api_key[]=own", ""], ["api_key%5B0%5D=own&b", "b"],
    ["api_key%00x=own", ""], ["%61pi_key%zz=1", ""], ["%61pi_key%=1", ""], ["api%5Fkey=own", ""], ["%E4api_key=1", "%E4api_key=1"], ["api_keys=1;x_api=2&q=a;b", "api_keys=1;x_api=2&q=a;b"], ["&;", "&;"],
  ])("holds nothing that a server may take for the same: %j", (query, kept) => {
    expect(targetOf(query, setting("api_key", "s3cret"))).toBe(`/v1?${kept}${kept === "" ? "" : "&"}api_key=s3cret`);
    expect(targetOf(query, setting("Api.Key", "s3cret"))).toBe(`/v1?${kept}${kept === "" ? "" : "&"}Api.Key=s3cret`);
  });

  test("is a Secret, and escapes all that is not plain", () => {
    const target = lentTarget(aHead({ path: "/v1", query: null }), setting("key", "a&b=c#d e%2B+'()*!~/\u00e4"));
    expect(target).toBeInstanceOf(Secret);
    expect((target as Secret).reveal()).toBe("/v1?key=a%26b%3Dc%23d%20e%252B%2B%27%28%29%2A%21~%2F%C3%A4");
    expect(JSON.stringify(target)).toBe('"[secret]"');
  });
});

describe("a target of a request to which anything is lent", () => {
  test.each(["access_token=mine", "Access-Token=mine", "api_key=mine&api-key=mine", "apikey=mine", "%61pi_key=mine", "private_token=mine", "api.key=mine", "api_key[]=mine"])("brings no identity of the agent's own: %s", (query) => {
    expect(targetOf(query, headerOnly)).toBe("/v1");
    expect(targetOf(`a=1&${query}&b=2`, headerOnly)).toBe("/v1?a=1&b=2");
  });

  test.each(["a=1&b=+%20", "key=word", "token=page2", "api=1"])("keeps ordinary parameters as they are written: %s", (query) => {
    expect(targetOf(query, headerOnly)).toBe(`/v1?${query}`);
  });

  test("holds no `key` where that is one", () => {
    expect(targetOf("key=mine&alt=sse", headerOnly, "generativelanguage.googleapis.com")).toBe("/v1?alt=sse");
    expect(targetOf("key=mine&alt=sse", headerOnly, "evilgoogleapis.com")).toBe("/v1?key=mine&alt=sse");
  });
});
