import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { vaultConfig } from "../../../../proxy/credentials/vault/vault-config.ts";
import { startVault } from "../../../support/vault-stand-in.ts";
import { describeSecretSource } from "./secret-source-contract.ts";

const NO_CONTEXT = { environment: {}, vault: () => { throw new Error("not here"); }, identityTokenFile: null };

describeSecretSource("file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weir-secret-"));
  const path = join(folder, "secret");
  return {
    put: async (value) => {
      await rm(path, { force: true });
      if (value !== null) await writeFile(path, `${value}\n`, { mode: 0o600 });
    },
    open: () => PROVIDERS.file({ type: "file", path }, NO_CONTEXT),
    close: async () => rm(folder, { recursive: true }),
  };
});

describeSecretSource("identity", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weir-identity-"));
  const path = join(folder, "token");
  return {
    put: async (value) => {
      await rm(path, { force: true });
      // As the kubelet has it where containers of several users share the pod.
      if (value !== null) await writeFile(path, value, { mode: 0o644 });
    },
    open: () => PROVIDERS.identity({ type: "identity" }, { ...NO_CONTEXT, identityTokenFile: path }),
    close: async () => rm(folder, { recursive: true }),
  };
});

describeSecretSource("environment", async () => {
  const environment: Record<string, string> = {};
  return {
    put: async (value) => {
      if (value === null) delete environment["REAL"];
      else environment["REAL"] = value;
    },
    open: () => PROVIDERS.environment({ type: "environment", name: "REAL" }, { ...NO_CONTEXT, environment: { ...environment } }),
    close: async () => {},
  };
});

describeSecretSource("vault", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weir-vault-"));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, "s.token\n", { mode: 0o600 });
  const server = await startVault({ token: "s.token" });
  const vault = new VaultClient(vaultConfig.parse({ address: server.address, tokenFile }));
  let version = 0;
  return {
    put: async (value) => {
      if (value === null) server.secrets.clear();
      else server.secrets.set("secret/data/team/github", { data: { value }, version: version += 1 });
    },
    open: () => PROVIDERS.vault({ type: "vault", mount: "secret", path: "team/github" }, { ...NO_CONTEXT, vault: () => vault }),
    close: async () => {
      await vault.close();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
});
