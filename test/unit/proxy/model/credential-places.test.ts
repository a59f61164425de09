import { expect, test } from "vitest";
import { isCredentialParameter } from "../../../../proxy/model/credential-places.ts";

test.each(["access_token", "ACCESS-TOKEN", "api_key", "apikey", "private_token", "oauth_token"])("%s says who is asking", (name) => {
  expect(isCredentialParameter(name, "api.example.test")).toBe(true);
});

test.each(["token", "key", "page_token", "api", "keys", "q", ""])("%s is an ordinary parameter", (name) => {
  expect(isCredentialParameter(name, "api.example.test")).toBe(false);
});

test("`key` says who is asking at Google alone", () => {
  expect(["googleapis.com", "x.googleapis.com", "notgoogleapis.com", "googleapis.com.test"].map((host) => isCredentialParameter("key", host))).toEqual([true, true, false, false]);
});
