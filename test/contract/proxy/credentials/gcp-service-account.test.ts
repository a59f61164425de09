import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { gcpServiceAccountReference } from "../../../../proxy/credentials/providers/gcp-service-account.ts";
import type { SourceError } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER } from "../../../support/credentials.ts";
import { GOOGLE_TOKEN_URI, startGoogle, type GoogleStandIn } from "../../../support/token-servers/google.ts";
import { MintStage, rsaPair } from "../../../support/token-servers/mint-stage.ts";

const pair = rsaPair();
const EMAIL = "agent@project.iam.gserviceaccount.com";
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_only";
const KEY_FILE = { type: "service_account", client_email: EMAIL, private_key: pair.pkcs8, private_key_id: "k1", token_uri: GOOGLE_TOKEN_URI, project_id: "project" };
const never = new AbortController().signal;

describe("tokens of a service account of Google Cloud", () => {
  let stage: MintStage;
  let server: GoogleStandIn;
  beforeEach(async () => {
    stage = await MintStage.open();
    server = await startGoogle({ email: EMAIL, keyId: "k1", publicKeyPem: pair.publicPem });
  });
  afterEach(async () => {
    await server.close();
    await stage.close();
  });

  const fetch = async (file: unknown, over: object = {}) => PROVIDERS["gcp-service-account"](gcpServiceAccountReference.parse({
    type: "gcp-service-account", scopes: [SCOPE], key: await stage.put("key.json", typeof file === "string" ? file : JSON.stringify(file)), ...over,
  }), stage.context(server.network)).fetch(never, A_BORROWER);
  const fault = async (file: unknown, over: object = {}) => fetch(file, over).then(() => { throw new Error("a token was given"); }, (error: unknown) => error as SourceError);

  test("are given for a signed assertion with the scopes of the grant, and used until five minutes before their end", async () => {
    const { lifetimeMs } = await fetch(KEY_FILE);
    expect(lifetimeMs).toBeGreaterThan(54 * 60_000);
    const assertion = new URLSearchParams(server.requests[0]?.body).get("assertion") ?? "";
    expect(JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString())).toMatchObject({ iss: EMAIL, scope: SCOPE, aud: GOOGLE_TOKEN_URI });
  });

  test.each([["another key", { private_key: rsaPair().pkcs8 }], ["another key id", { private_key_id: "k2" }], ["another account", { client_email: "other@project.iam.gserviceaccount.com" }]])(
    "are not given for %s", async (_name, over) => {
      expect((await fault({ ...KEY_FILE, ...over })).fault).toBe("forbidden");
    });

  test("are never asked for where the key file says, if that is not where the configuration says", async () => {
    expect((await fault({ ...KEY_FILE, token_uri: "https://evil.test/token" })).fault).toBe("unsafe");
    expect(server.requests).toEqual([]);
  });

  test.each([["no JSON", "-----BEGIN"], ["a key of a user", { ...KEY_FILE, type: "authorized_user" }], ["no key", { ...KEY_FILE, private_key: "" }]])("need a key file: %s is refused", async (_name, file) => {
    expect((await fault(file)).fault).toBe("malformed");
  });
});
