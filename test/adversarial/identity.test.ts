import { once } from "node:events";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import { IDENTITY_CLAIM, PROXY_AUDIENCE } from "../../common/identity.ts";
import { encodePreamble } from "../../common/preamble.ts";
import { openLocalIssuer } from "../../proxy/identity/local-issuer.ts";
import { ConnectionStand, readToEnd } from "../support/connection-stand.ts";

let stand: ConnectionStand;
afterEach(async () => stand.close());

const HEAD_BYTES = 16;

async function preamble(token?: string): Promise<Buffer> {
  return encodePreamble({
    transport: "tcp", source: { address: "10.255.0.2", port: 40_000 },
    destination: { address: stand.names.addressFor("i1", "api.example.com", 4), port: 443 },
    token: token ?? await stand.issuer.mint(stand.agent, 60_000), connectionId: "c1",
  });
}

/** Everything that the boundary says to these first bytes; nobody unidentified is told anything. */
async function answerTo(bytes: Buffer | string): Promise<Buffer> {
  const client = await stand.raw();
  client.write(bytes);
  return readToEnd(client);
}

describe("I01 a connection without a proper preamble is closed without a word", () => {
  test.each([
    ["HTTP", "GET / HTTP/1.1\r\n\r\n", "identity.missing"],
    ["TLS", Buffer.from([22, 3, 1, 0, 5]), "identity.missing"],
    ["PROXY v1", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "identity.missing"],
    ["blank lines and a request", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "identity.malformed"],
  ])("%s", async (_what, bytes, code) => {
    stand = await ConnectionStand.open();
    expect(await answerTo(bytes)).toEqual(Buffer.alloc(0));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", agent: null, error: { code } });
  });

  test.each<[string, (whole: Buffer) => Buffer]>([
    ["a TLV longer than the preamble", (whole) => { whole.writeUInt16BE(60_000, HEAD_BYTES + 13); return whole; }],
    ["a length of 64 KB", (whole) => { whole.writeUInt16BE(65_535, 14); return whole; }],
    ["the LOCAL command", (whole) => { whole[12] = 0x20; return whole; }],
    ["an unknown family", (whole) => { whole[13] = 0x31; return whole; }],
    ["a wrong CRC32C", (whole) => {
      whole.writeUInt16BE(whole.readUInt16BE(14) + 7, 14);
      return Buffer.concat([whole, Buffer.from([3, 0, 4, 1, 2, 3, 4])]);
    }],
    ["the token twice", (whole) => {
      whole.writeUInt16BE(whole.readUInt16BE(14) + 4, 14);
      return Buffer.concat([whole, Buffer.from([0xe0, 0, 1, 0x61])]);
    }],
  ])("%s", async (_what, spoil) => {
    stand = await ConnectionStand.open();
    expect(await answerTo(spoil(await preamble()))).toEqual(Buffer.alloc(0));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", agent: null, error: { code: "identity.malformed" } });
  });

  test("cut off anywhere, it is closed at the deadline", async () => {
    stand = await ConnectionStand.open({ config: { preambleTimeoutMs: 80 } });
    const whole = await preamble();
    const cuts = [1, 12, 15, 16, 40, whole.byteLength - 1];
    const answers = await Promise.all(cuts.map(async (length) => answerTo(whole.subarray(0, length))));
    expect(answers.every((answer) => answer.byteLength === 0)).toBe(true);
    await stand.closed(cuts.length);
    expect(new Set(stand.records.map((record) => record.kind === "connection" && record.error?.code))).toEqual(new Set(["identity.malformed"]));
  });

  test("with a token of 1 MB it is refused before the megabyte is read", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.raw();
    const whole = await preamble();
    whole.writeUInt16BE(65_535, 14);
    client.write(Buffer.concat([whole, Buffer.alloc(1 << 20, 0x61)]));
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ error: { code: "identity.malformed" } });
  });

  test("a second PROXY header behind the first is refused", async () => {
    stand = await ConnectionStand.open();
    for (const second of [await preamble(), Buffer.from("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n")]) {
      expect(await answerTo(Buffer.concat([await preamble(), second]))).toEqual(Buffer.alloc(0));
    }
    expect(await stand.closed(2)).toMatchObject({ outcome: "denied", error: { code: "wire.malformed" } });
  });

  test("delivered byte by byte it is as good as in one piece", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.raw();
    for (const byte of await preamble()) client.write(Buffer.from([byte]));
    client.write("GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
    expect((await readToEnd(client)).toString()).toMatch(/^HTTP\/1.1 200/);
  });
});

describe("an agent cannot speak as another", () => {
  const claims = () => ({ [IDENTITY_CLAIM]: { ...stand.agent, instance: "i2" }, iss: stand.issuer.issuer, aud: PROXY_AUDIENCE });

  async function verdictOn(token: string): Promise<string | undefined> {
    await answerTo(await preamble(token));
    return (await stand.closed()).error?.code;
  }

  test("by an unsigned token", async () => {
    stand = await ConnectionStand.open();
    expect(await verdictOn(new UnsecuredJWT(claims()).setIssuedAt().setExpirationTime("1h").encode())).toBe("identity.rejected");
  });

  test("by a token signed with the public key as if it were a shared secret", async () => {
    stand = await ConnectionStand.open();
    const secret = new TextEncoder().encode(JSON.stringify(stand.issuer.jwks));
    expect(await verdictOn(await new SignJWT(claims()).setProtectedHeader({ alg: "HS256" }).setIssuedAt().setExpirationTime("1h").sign(secret))).toBe("identity.rejected");
  });

  test("by a token that brings its own key", async () => {
    stand = await ConnectionStand.open();
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: "ES256", jwk: await exportJWK(publicKey) }).setIssuedAt().setExpirationTime("1h").sign(privateKey);
    expect(await verdictOn(token)).toBe("identity.rejected");
  });

  test("by a token of another machine's issuer", async () => {
    stand = await ConnectionStand.open();
    const other = await openLocalIssuer(`${stand.folder}/other`);
    expect(await verdictOn(await other.mint(stand.agent, 60_000))).toBe("identity.rejected");
  });

  test("by its own token from another address", async () => {
    stand = await ConnectionStand.open({ tcp: true });
    const client = await stand.dial("api.example.com", 443, { overTcp: true, token: await stand.issuer.mint(stand.agent, 60_000, "10.0.0.9") });
    await readToEnd(client);
    expect((await stand.closed()).error?.code).toBe("identity.rejected");
  });

  test("by a local token without an address on TCP", async () => {
    stand = await ConnectionStand.open({ tcp: true });
    const client = await stand.dial("api.example.com", 443, { overTcp: true, token: await stand.issuer.mint(stand.agent, 60_000) });
    await readToEnd(client);
    expect((await stand.closed()).error?.code).toBe("identity.rejected");
  });

  test("by a token with one bit changed, at any place", async () => {
    stand = await ConnectionStand.open();
    const token = await stand.issuer.mint(stand.agent, 60_000);
    let count = 0;
    for (let at = 0; at < token.length; at += 37) {
      if (token[at] === ".") continue;
      const other = token[at] === "A" ? "B" : "A";
      await answerTo(await preamble(token.slice(0, at) + other + token.slice(at + 1)));
      count += 1;
      const { error } = await stand.closed(count);
      expect(["identity.malformed", "identity.rejected"], `changed at ${at}`).toContain(error?.code);
    }
  });
});

describe("I03 a token's end", () => {
  test("is the end of its open connections", async () => {
    stand = await ConnectionStand.open();
    const token = await stand.issuer.mint(stand.agent, 1_000);
    const client = await stand.dial("api.example.com", 80, { token });
    client.write("GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    await once(client, "data");
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "identity.expired" } });
    expect(stand.slots.open).toBe(0);
  });
});
