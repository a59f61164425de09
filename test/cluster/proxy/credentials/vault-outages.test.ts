import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { valueOf } from "../../../../proxy/credentials/secret-source.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { CANARY } from "../../../support/credentials.ts";
import { startStoredOpenBao, type StoredOpenBao } from "../../../support/openbao-server.ts";
import { borrowerNamed, openVaultLab, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const bao = environment["WEIR_TIER"] === "cluster" ? await obtainOpenBao(environment) : await findOpenBao(environment);
const signal = AbortSignal.timeout(300_000);

describe.skipIf(bao === null)("a client of an OpenBao that comes and goes (npm run verify:cluster brings one)", () => {
  let server: StoredOpenBao;
  let lab: VaultLab;
  beforeAll(async () => {
    server = await startStoredOpenBao(bao ?? "");
    lab = await openVaultLab(server);
    await lab.policy("proxy", { "secret/data/*": ["read"] });
    await server.call("POST", "secret/data/github", { data: { value: CANARY } });
  });
  afterAll(async () => {
    await lab?.close();
    await server?.close();
  });

  const open = async (name: string) => {
    const logins: string[] = [];
    const source = lab.source({ type: "vault", path: "github" }, lab.client(await lab.appRole(name, ["proxy"]), { onLogin: async (accessor) => { logins.push(accessor); } }));
    return { logins, read: async () => valueOf(await source.fetch(signal, borrowerNamed("ada")), "value").reveal() };
  };

  test("gets nothing while it is sealed, and its old token is good again after", async () => {
    const { read, logins } = await open("sealed");
    expect(await read()).toBe(CANARY);
    await server.seal();
    await expect(read()).rejects.toMatchObject({ fault: "sealed", isPassing: true });
    await server.unseal();
    expect([await read(), logins.length]).toEqual([CANARY, 1]);
  });

  test("gets nothing while it is gone, nothing while the new one is sealed, and all after", async () => {
    const { read, logins } = await open("killed");
    expect(await read()).toBe(CANARY);
    await server.kill();
    await expect(read()).rejects.toMatchObject({ fault: "unreachable", isPassing: true });
    await server.start();
    await expect(read()).rejects.toMatchObject({ fault: "sealed" });
    await server.unseal();
    expect([await read(), logins.length]).toEqual([CANARY, 1]);
  });

  test("cannot log in while it is sealed, and the fault says that this may pass", async () => {
    const { read, logins } = await open("late");
    await server.seal();
    await expect(read()).rejects.toMatchObject({ fault: "sealed", isPassing: true, message: "sealed: login by approle: Vault answered 503" });
    await server.unseal();
    expect([await read(), logins.length]).toEqual([CANARY, 1]);
  });
});
