import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { injectHeader } from "../../../../proxy/credentials/inject-header.ts";
import { singleValue } from "../../../../proxy/credentials/secret-source.ts";
import { CANARY } from "../../../support/credentials.ts";

type Form = Omit<Parameters<typeof injectHeader>[0], "type">;
const inject = (form: Form, secret: string) => injectHeader({ type: "header", ...form }, singleValue(new Secret(secret), "1"));
const revealed = (form: Form, secret: string) => {
  const { headers = [], secrets } = inject(form, secret);
  const [[name, value]] = headers as [readonly [string, Secret]];
  return { name, value: value.reveal(), secrets: secrets.map((each) => each.reveal()) };
};

describe("an injected header", () => {
  test("is a bearer token if nothing else is said", () => {
    expect(revealed({ header: "authorization" }, "abc")).toEqual({ name: "authorization", value: "Bearer abc", secrets: ["abc"] });
  });

  test("takes the form that the grant gives", () => {
    expect(revealed({ header: "x-api-key", format: "{secret}" }, "abc").value).toBe("abc");
    expect(revealed({ header: "authorization", format: "token {secret}" }, "abc").value).toBe("token abc");
  });

  test("is HTTP Basic for git, and the encoded form counts as a secret too", () => {
    const encoded = Buffer.from("x-access-token:abc").toString("base64");
    expect(revealed({ header: "authorization", basicUser: "x-access-token" }, "abc")).toEqual({ name: "authorization", value: `Basic ${encoded}`, secrets: ["abc", encoded] });
  });

  test("holds a secret with replacement patterns in it as it is", () => {
    expect(revealed({ header: "authorization" }, "a$&b$1$$").value).toBe("Bearer a$&b$1$$");
  });

  test.each(["a\r\nx-evil: 1", "a\nb", "a\0b", "a\x7f", "ä", " a", "a ", "\ta", ""])("refuses %j, which could not be one field", (secret) => {
    expect(() => inject({ header: "authorization" }, secret)).toThrow(/malformed/);
  });

  test("refuses what no server takes, and says so without the value", () => {
    const long = CANARY.repeat(1_000);
    expect(() => inject({ header: "authorization" }, long)).toThrow(/^oversized: the header value is larger than 16384 bytes$/);
  });
});
