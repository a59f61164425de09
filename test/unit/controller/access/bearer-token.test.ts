import { describe, expect, test } from "vitest";
import { readBearerToken } from "../../../../controller/access/bearer-token.ts";

const jwt = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

describe("a bearer token", () => {
  test("says whose it claims to be, one audience or several", () => {
    expect(readBearerToken(`Bearer ${jwt({ iss: "https://a", aud: "x" })}`)).toMatchObject({ claimedIssuer: "https://a", claimedAudiences: ["x"] });
    expect(readBearerToken(`bearer ${jwt({ aud: ["x", "y"] })}`)).toMatchObject({ claimedIssuer: null, claimedAudiences: ["x", "y"] });
  });

  test("that is no JWT claims nothing, and is a token all the same", () => {
    for (const text of ["opaque", "a.b.c", jwt("text"), jwt({ iss: 1 }), `h.${Buffer.from("{").toString("base64url")}.s`]) {
      expect(readBearerToken(`Bearer ${text}`)).toMatchObject({ text, claimedIssuer: null, claimedAudiences: [] });
    }
  });

  test("is known by its hash, which differs with each token", () => {
    expect(readBearerToken("Bearer a").hash).not.toBe(readBearerToken("Bearer b").hash);
    expect(readBearerToken("Bearer a").hash).not.toContain("Bearer");
  });

  test.each([["none", undefined], ["an empty one", ""], ["another scheme", "Basic YTpi"], ["two", "Bearer a, Bearer b"], ["a space in it", "Bearer a b"], ["nothing behind it", "Bearer "],
    ["a line break", "Bearer a\nb"], ["too much", `Bearer ${"a".repeat((16 << 10) + 1)}`]])("is not read from %s", (_, header) => {
    expect(() => readBearerToken(header)).toThrow(expect.objectContaining({ name: "AccessRefused", kind: "unauthenticated" }));
  });
});
