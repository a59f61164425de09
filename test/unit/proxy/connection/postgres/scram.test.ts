import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../../common/secret.ts";
import { ScramClient } from "../../../../../proxy/connection/postgres/scram.ts";

const PASSWORD = new Secret("pencil");
const SALT = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const NONCE = "rOprNGfwEbeRWgbNEkqO";
const FIRST = `r=${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=${SALT.toString("base64")},i=4096`;
const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const SALTED = pbkdf2Sync("pencil", SALT, 4_096, 32, "sha256");

/** RFC 5802 §3, worked out from the server's side. */
function serverSays(withoutProof: string): { proof: string; final: string } {
  const transcript = `n=,r=${NONCE},${FIRST},${withoutProof}`;
  const clientKey = hmac(SALTED, "Client Key");
  const signature = hmac(createHash("sha256").update(clientKey).digest(), transcript);
  return { proof: Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString("base64"), final: `v=${hmac(hmac(SALTED, "Server Key"), transcript).toString("base64")}` };
}

const aClient = (offered = ["SCRAM-SHA-256"], endPoint: Buffer | null = null) => new ScramClient(PASSWORD, offered, endPoint, NONCE);

describe("SCRAM-SHA-256", () => {
  test("proves the password and believes the server that knows it", async () => {
    const client = aClient();
    expect(client.first()).toBe(`n,,n=,r=${NONCE}`);
    const [, withoutProof = "", proof] = /^(.*),p=(.*)$/.exec(await client.final(FIRST)) ?? [];
    expect(withoutProof).toBe(`c=biws,${FIRST.split(",")[0]}`);
    const right = serverSays(withoutProof);
    expect(proof).toBe(right.proof);
    expect(() => { client.verify(right.final); }).not.toThrow();
    expect(() => { client.verify(right.final); }).toThrow(expect.objectContaining({ code: "upstream.untrusted" }));
  });

  test("is bound to the connection where both can, and says so where only the client could", async () => {
    const endPoint = Buffer.alloc(32, 7);
    const bound = aClient(["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], endPoint);
    expect([bound.mechanism, bound.first()]).toEqual(["SCRAM-SHA-256-PLUS", `p=tls-server-end-point,,n=,r=${NONCE}`]);
    expect(await bound.final(FIRST)).toContain(`c=${Buffer.concat([Buffer.from("p=tls-server-end-point,,"), endPoint]).toString("base64")},`);
    expect(aClient(["SCRAM-SHA-256"], endPoint).first()).toBe(`y,,n=,r=${NONCE}`);
    expect(aClient(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], null).mechanism).toBe("SCRAM-SHA-256");
    expect(() => aClient(["SCRAM-SHA-256-PLUS"], null)).toThrow(expect.objectContaining({ code: "upstream.untrusted" }));
  });

  test.each([
    ["another nonce", FIRST.replace("rO", "xO")], ["no more than our nonce", FIRST.replace(/%[^,]*/, "")], ["an extension", `m=a,${FIRST}`], ["more behind it", `${FIRST},x=1`],
    ["few iterations", FIRST.replace("4096", "4095")], ["many iterations", FIRST.replace("4096", "1000001")], ["a short salt", FIRST.replace(/s=[^,]*/, "s=AAAA")], ["nothing", ""],
  ])("gives no proof to %s", async (_, first) => {
    await expect(aClient().final(first)).rejects.toMatchObject({ code: expect.stringMatching(/^upstream\.(untrusted|malformed)$/) });
  });

  test("believes nobody who was not asked", () => {
    expect(() => { aClient().verify(serverSays("").final); }).toThrow(expect.objectContaining({ code: "upstream.untrusted" }));
  });

  test("uses a nonce of its own each time", () => {
    const nonces = Array.from({ length: 50 }, () => new ScramClient(PASSWORD, ["SCRAM-SHA-256"], null).first());
    expect(new Set(nonces).size).toBe(50);
    for (const nonce of nonces) expect(nonce).toMatch(/^n,,n=,r=[A-Za-z0-9+/]{24}$/);
  });
});
