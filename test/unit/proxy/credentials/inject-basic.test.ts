import { describe, expect, test } from "vitest";
import { aLoan, aMaterial } from "../../../support/injections.ts";

const token = aMaterial({ value: "s3cret" });
const sent = (inject: unknown, material = token) => Buffer.from(aLoan([[inject, material]]).headers[0]?.[1].reveal().replace(/^Basic /, "") ?? "", "base64").toString();

describe("git over HTTPS", () => {
  test.each([["github", "x-access-token"], ["gitlab", "oauth2"], ["bitbucket", "x-token-auth"]])("of %s has the user %s beside the token", (forge, user) => {
    expect(sent({ type: "git", forge })).toBe(`${user}:s3cret`);
  });

  test("of another forge has the user that the grant names", () => {
    expect(sent({ type: "git", user: "robot" })).toBe("robot:s3cret");
  });
});

describe("HTTP Basic", () => {
  test("has user and password of the source, or a user of the grant and its one value", () => {
    expect(sent({ type: "basic" }, aMaterial({ username: "ann", password: "p:w ü" }))).toBe("ann:p:w ü");
    expect(sent({ type: "basic", user: "" })).toBe(":s3cret");
    expect(sent({ type: "basic", user: "bob" }, aMaterial({ username: "ann", password: "pw" }))).toBe("bob:pw");
  });

  test.each(["a:b", "a\nb", "a\0b"])("refuses a user %j of the source: it would end too early", (username) => {
    expect(() => sent({ type: "basic" }, aMaterial({ username, password: "pw" }))).toThrow(/^malformed: the user/);
  });

  test("names both the password and its encoded form as what an answer must not show", () => {
    const { secrets } = aLoan([[{ type: "git" }, token]]);
    expect(secrets.map((secret) => secret.reveal())).toEqual(["s3cret", Buffer.from("x-access-token:s3cret").toString("base64")]);
  });
});
