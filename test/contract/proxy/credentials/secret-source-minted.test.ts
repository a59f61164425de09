import { chmod } from "node:fs/promises";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { gcpServiceAccountReference } from "../../../../proxy/credentials/providers/gcp-service-account.ts";
import { githubAppReference } from "../../../../proxy/credentials/providers/github-app.ts";
import { oauth2Reference } from "../../../../proxy/credentials/providers/oauth2.ts";
import { execReference } from "../../../../proxy/credentials/providers/exec.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { startGithub } from "../../../support/token-servers/github.ts";
import { GOOGLE_TOKEN_URI, startGoogle } from "../../../support/token-servers/google.ts";
import { MintStage, NO_NETWORK, rsaPair } from "../../../support/token-servers/mint-stage.ts";
import { startOauth, TOKEN_ENDPOINT } from "../../../support/token-servers/oauth.ts";
import { describeSecretSource } from "./secret-source-contract.ts";

const pair = rsaPair();

describeSecretSource("github-app", async () => {
  const stage = await MintStage.open();
  const server = await startGithub({ clientId: "Iv1.app", installationId: 7, publicKeyPem: pair.publicPem, repositories: ["weir"], permissions: { contents: "read" } });
  const key = await stage.put("key", pair.pkcs1);
  return {
    put: async (value) => {
      server.nextToken = value;
      await stage.put("key", value === null ? null : pair.pkcs1);
    },
    open: () => PROVIDERS["github-app"](githubAppReference.parse({
      type: "github-app", clientId: "Iv1.app", installationId: 7, key, repositories: ["weir"], permissions: { contents: "read" },
    }), stage.context(server.network)),
    close: async () => {
      await server.close();
      await stage.close();
    },
  };
});

describeSecretSource("gcp-service-account", async () => {
  const stage = await MintStage.open();
  const email = "agent@project.iam.gserviceaccount.com";
  const server = await startGoogle({ email, keyId: "k1", publicKeyPem: pair.publicPem });
  const file = JSON.stringify({ type: "service_account", client_email: email, private_key: pair.pkcs8, private_key_id: "k1", token_uri: GOOGLE_TOKEN_URI });
  const key = await stage.put("key.json", file);
  return {
    put: async (value) => {
      server.nextToken = value;
      await stage.put("key.json", value === null ? null : file);
    },
    open: () => PROVIDERS["gcp-service-account"](gcpServiceAccountReference.parse({ type: "gcp-service-account", key, scopes: ["https://www.googleapis.com/auth/cloud-platform"] }), stage.context(server.network)),
    close: async () => {
      await server.close();
      await stage.close();
    },
  };
});

for (const grant of ["client-credentials", "refresh-token"] as const) {
  describeSecretSource(`oauth2 with ${grant}`, async () => {
    const stage = await MintStage.open();
    const server = await startOauth({ clientId: "weir", clientSecret: "s3cret", firstRefreshToken: "rt-first" });
    const clientSecret = await stage.put("client-secret", "s3cret");
    const refreshToken = grant === "refresh-token" ? { refreshToken: await stage.put("refresh-token", "rt-first") } : {};
    return {
      put: async (value) => {
        server.nextToken = value;
        await stage.put("client-secret", value === null ? null : "s3cret");
      },
      open: () => PROVIDERS.oauth2(oauth2Reference.parse({ type: "oauth2", grant, tokenEndpoint: TOKEN_ENDPOINT, clientId: "weir", clientSecret, ...refreshToken }), stage.context(server.network)),
      close: async () => {
        await server.close();
        await stage.close();
      },
    };
  });
}

describeSecretSource("exec", async () => {
  const stage = await MintStage.open();
  await stage.put("program", '#!/bin/sh\nexec cat -- "$1"\n');
  await chmod(stage.path("program"), 0o700);
  return {
    put: async (value) => { await stage.put("answer", value === null ? null : `${value}\n`); },
    open: () => PROVIDERS.exec(execReference.parse({ type: "exec", commandPath: stage.path("program"), arguments: [stage.path("answer")] }), stage.context(NO_NETWORK, { environment: { PATH: "/usr/bin:/bin" } })),
    close: async () => stage.close(),
  };
});

describeSecretSource("kubernetes-secret", async () => {
  const stage = await MintStage.open();
  const kube = new MemoryCluster(() => 0);
  const ref = { namespace: "team", name: "keys" };
  return {
    put: async (value) => {
      await kube.remove(TYPES.secrets, ref);
      if (value !== null) await kube.create(TYPES.secrets, { metadata: ref, data: { token: Buffer.from(value).toString("base64") } });
    },
    open: () => PROVIDERS["kubernetes-secret"]({ type: "kubernetes-secret", ...ref, key: "token" }, stage.context(NO_NETWORK, { kube })),
    close: async () => stage.close(),
  };
});
