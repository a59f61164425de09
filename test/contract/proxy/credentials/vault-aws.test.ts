import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { vaultAws, vaultAwsReference } from "../../../../proxy/credentials/providers/vault-aws.ts";
import { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { vaultConfig } from "../../../../proxy/credentials/vault/vault-config.ts";
import { borrowerNamed } from "../../../support/vault-lab.ts";

const TOKEN = "s.token";
const NEVER = new AbortController().signal;

/** Answers as the documentation of Vault's AWS engine shows them; OpenBao has no such engine to try. */
const LEASE = { request_id: "f1", renewable: true, wrap_info: null, warnings: null, auth: null };
const CREDS = { ...LEASE, lease_id: "aws/creds/reader/0bce0782", lease_duration: 3_600, data: { access_key: "AKIA1", secret_key: "key-1", security_token: null, arn: "" } };
const SESSION = { ...LEASE, renewable: false, lease_id: "aws/sts/reader/7b3c", lease_duration: 900, data: { access_key: "ASIA1", secret_key: "key-2", security_token: "session-2", session_token: "session-2", arn: "arn:aws:sts::1:assumed-role/x/y" } };
const OLD_SESSION = { ...SESSION, data: { access_key: "ASIA1", secret_key: "key-2", security_token: "session-2" } };

interface Seen {
  readonly asked: string;
  readonly body: unknown;
}

describe("the AWS engine of Vault, as its documentation has it", () => {
  let folder: string;
  let client: VaultClient;
  let seen: Seen[];
  let answer: object;
  let close: () => Promise<void>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-aws-"));
    const tokenFile = join(folder, "token");
    await writeFile(tokenFile, TOKEN, { mode: 0o600 });
    [seen, answer] = [[], CREDS];
    const server = createServer((request, response) => {
      void readJson(request).then((body) => {
        const isKnown = request.headers["x-vault-token"] === TOKEN && request.headers["x-vault-request"] === "true";
        seen.push({ asked: `${request.method} ${request.url}`, body });
        response.writeHead(isKnown ? 200 : 403, { "content-type": "application/json" }).end(JSON.stringify(isKnown ? answer : { errors: ["permission denied"] }));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    client = new VaultClient(vaultConfig.parse({ address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tokenFile }));
    close = async () => {
      server.closeAllConnections();
      server.close();
    };
  });
  afterEach(async () => {
    await client.close();
    await close();
    await rm(folder, { recursive: true });
  });

  const fetch = async (over: Readonly<Record<string, unknown>> = {}) => vaultAws(vaultAwsReference.parse({ type: "vault-aws", role: "reader", ...over }), client).fetch(NEVER, borrowerNamed("ada"));
  const texts = async (over: Readonly<Record<string, unknown>> = {}) => Object.fromEntries(Object.entries((await fetch(over)).values).map(([name, value]) => [name, value.reveal()]));

  test("gives an access key, leased and without a session", async () => {
    const material = await fetch();
    expect(await texts()).toEqual({ accessKeyId: "AKIA1", secretAccessKey: "key-1" });
    expect([material.lifetimeMs, material.lease?.id, material.lease?.isRenewable]).toEqual([3_600_000, CREDS.lease_id, true]);
    expect(seen[0]).toEqual({ asked: "GET /v1/aws/creds/reader", body: null });
  });

  test.each([["newer", SESSION], ["older", OLD_SESSION]])("gives a session of the length that is asked for, as %s releases write it", async (_release, given) => {
    answer = given;
    expect(await texts({ sts: true, ttlSeconds: 900 })).toEqual({ accessKeyId: "ASIA1", secretAccessKey: "key-2", sessionToken: "session-2" });
    expect(seen[0]).toEqual({ asked: "POST /v1/aws/sts/reader", body: { ttl: "900s" } });
  });

  test("asks for the role of the agent, and of no other", async () => {
    await fetch({ role: "reader-{agent}" });
    expect(seen[0]?.asked).toBe("GET /v1/aws/creds/reader-ada");
  });

  test.each([
    ["no lease", { ...CREDS, lease_id: "" }], ["a lease of no time", { ...CREDS, lease_duration: 0 }], ["no secret key", { ...CREDS, data: { access_key: "AKIA1" } }],
    ["an empty key", { ...CREDS, data: { access_key: "AKIA1", secret_key: "" } }], ["no data", { ...CREDS, data: null }],
  ])("gives nothing from an answer with %s", async (_what, given) => {
    answer = given;
    await expect(fetch()).rejects.toMatchObject({ fault: "malformed" });
  });

  test.each([{ role: "a/b" }, { role: ".." }, { role: "" }, { ttlSeconds: 900 }, { sts: true, ttlSeconds: 60 }])("is not configured with %j", (over) => {
    expect(vaultAwsReference.safeParse({ type: "vault-aws", role: "reader", ...over }).success).toBe(false);
  });
});

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString());
}
