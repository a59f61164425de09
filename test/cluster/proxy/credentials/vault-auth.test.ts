import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Secret } from "../../../../common/secret.ts";
import { readEnvironment } from "../../../../common/config.ts";
import { valueOf } from "../../../../proxy/credentials/secret-source.ts";
import type { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { CANARY } from "../../../support/credentials.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { borrowerNamed, enableAgentLogin, openVaultLab, type AgentIssuer, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const bao = environment["WEIR_TIER"] === "cluster" ? await obtainOpenBao(environment) : await findOpenBao(environment);
const signal = AbortSignal.timeout(300_000);
const ADA = borrowerNamed("ada");

describe.skipIf(bao === null)("a login to a real OpenBao (npm run verify:cluster brings one)", () => {
  let server: OpenBaoServer;
  let lab: VaultLab;
  let agents: AgentIssuer;
  beforeAll(async () => {
    server = await startOpenBao(bao ?? "");
    lab = await openVaultLab(server);
    const { accessor, ...issuer } = await enableAgentLogin(server, ["agent"]);
    agents = issuer;
    await lab.policy("proxy", { "secret/data/shared/*": ["read"], "auth/token/revoke-accessor": ["update"] });
    await lab.policy("agent", { [`secret/data/agents/{{identity.entity.aliases.${accessor}.name}}/*`]: ["read"] });
    await server.call("POST", "secret/data/shared/github", { data: { value: CANARY } });
    for (const name of ["ada", "bob"]) await server.call("POST", `secret/data/agents/${name}/github`, { data: { value: `of ${name}` } });
  });
  afterAll(async () => {
    await lab?.close();
    await server?.close();
  });

  const shared = async (client: VaultClient) => valueOf(await lab.source({ type: "vault", path: "shared/github" }, client).fetch(signal, ADA), "value").reveal();
  const lookUp = async (accessor: string) => server.call("POST", "auth/token/lookup-accessor", { accessor });

  describe("by AppRole", () => {
    test("happens once for a hundred who wait, and is noted before its token is used", async () => {
      const noted: string[] = [];
      const client = lab.client(await lab.appRole("many", ["proxy"]), { onLogin: async (accessor, instance) => { noted.push(`${accessor} ${instance}`); } });
      const all = await Promise.all(Array.from({ length: 100 }, async () => shared(client)));
      expect(new Set(all)).toEqual(new Set([CANARY]));
      expect(noted).toHaveLength(1);
      expect(noted[0]).toMatch(/^[\w.]+ null$/);
    });

    test("is refused with the secret id of another role, and the agent's side learns no more than that", async () => {
      const auth = { ...await lab.appRole("one", ["proxy"]), secretIdFile: (await lab.appRole("other", ["proxy"]))["secretIdFile"] };
      await expect(shared(lab.client(auth))).rejects.toMatchObject({ fault: "forbidden", message: "forbidden: login by approle: Vault answered 400" });
    });

    test("gives a token that opens what its policy says and nothing else", async () => {
      const client = lab.client(await lab.appRole("narrow", ["proxy"]));
      const beyond = lab.source({ type: "vault", path: "agents/ada/github" }, client);
      await expect(beyond.fetch(signal, ADA)).rejects.toMatchObject({ fault: "forbidden" });
      expect(await shared(client)).toBe(CANARY);
    });

    test("happens again when the token was revoked, once, and the same request is answered", async () => {
      const accessors: string[] = [];
      const client = lab.client(await lab.appRole("again", ["proxy"]), { onLogin: async (accessor) => { accessors.push(accessor); } });
      await shared(client);
      await server.call("POST", "auth/token/revoke-accessor", { accessor: accessors[0] });
      expect(await shared(client)).toBe(CANARY);
      expect(accessors).toHaveLength(2);
    });

    test("does not happen again for what the policy forbids", async () => {
      let logins = 0;
      const client = lab.client(await lab.appRole("denied", ["proxy"]), { onLogin: async () => { logins += 1; } });
      for (let times = 0; times < 3; times += 1) await lab.source({ type: "vault", path: "agents/ada/github" }, client).fetch(signal, ADA).catch(() => undefined);
      expect(logins).toBe(1);
    });

    test("is worth nothing if it cannot be noted: the token is given back", async () => {
      const accessors: string[] = [];
      const client = lab.client(await lab.appRole("unnoted", ["proxy"]), { onLogin: async (accessor) => { accessors.push(accessor); throw new Error("the disk is full"); } });
      await expect(shared(client)).rejects.toMatchObject({ fault: "down" });
      await expect(lookUp(accessors[0] ?? "")).rejects.toThrow("40");
    });

    test("is given back when the client closes, and an earlier one by its accessor", async () => {
      const accessors: string[] = [];
      const options = { onLogin: async (accessor: string) => { accessors.push(accessor); } };
      const auth = await lab.appRole("ends", ["proxy"]);
      const [first, second] = [lab.client(auth, options), lab.client(auth, options)];
      await shared(first);
      await shared(second);
      await second.revokeAccessor(accessors[0] ?? "", signal);
      await second.revokeAccessor(accessors[0] ?? "", signal);
      await expect(lookUp(accessors[0] ?? "")).rejects.toThrow("40");
      expect(await lookUp(accessors[1] ?? "")).toHaveProperty("data");
      await second.close();
      await expect(lookUp(accessors[1] ?? "")).rejects.toThrow("40");
    });
  });

  describe("by the agent's own token", () => {
    const jwt = { method: "jwt", role: "agent" };
    const read = async (client: VaultClient, agent: string, token: string, path = "agents/{agent}/github") =>
      valueOf(await lab.source({ type: "vault", path }, client).fetch(signal, borrowerNamed(agent, token)), "value").reveal();

    test("opens to each agent its own path", async () => {
      const client = lab.client(jwt);
      expect(await Promise.all(["ada", "bob"].map(async (name) => read(client, name, await agents.token(name))))).toEqual(["of ada", "of bob"]);
    });

    test("opens no other agent's path, even when a grant names it", async () => {
      await expect(read(lab.client(jwt), "ada", await agents.token("ada"), "agents/bob/github")).rejects.toMatchObject({ fault: "forbidden" });
    });

    test("gives a token for each instance, which ends with the instance and no other", async () => {
      const accessors = new Map<string | null, string>();
      const tokens = new Map<string | null, Secret>();
      const client = lab.client(jwt, { onLogin: async (accessor, instance, { secret }) => { accessors.set(instance, accessor); tokens.set(instance, secret); } });
      for (const name of ["ada", "bob"]) await read(client, name, await agents.token(name));
      await client.endSession("instance-of-ada");
      await client.revokeToken(tokens.get("instance-of-ada")!, signal);
      await expect(lookUp(accessors.get("instance-of-ada") ?? "")).rejects.toThrow("40");
      expect(await lookUp(accessors.get("instance-of-bob") ?? "")).toHaveProperty("data");
    });

    test.each([
      ["for another audience", { audience: "elsewhere" }], ["that has expired", { expiresAt: Math.floor(Date.now() / 1_000) - 3_600 }],
    ])("is refused with a token %s", async (_what, over) => {
      await expect(read(lab.client(jwt), "ada", await agents.token("ada", over))).rejects.toMatchObject({ fault: "forbidden" });
    });

    test("is refused with a token that somebody else signed, and with a role that is not there", async () => {
      await expect(read(lab.client(jwt), "ada", "eyJhbGciOiJub25lIn0.e30.")).rejects.toMatchObject({ fault: "forbidden" });
      await expect(read(lab.client({ ...jwt, role: "admin" }), "ada", await agents.token("ada"))).rejects.toMatchObject({ fault: "forbidden" });
    });

    test("speaks for agents alone: what the proxy does for itself needs a login of its own", async () => {
      const accessors: string[] = [];
      const options = { onLogin: async (accessor: string) => { accessors.push(accessor); } };
      const token = await agents.token("ada");
      const [without, withOwn] = [lab.client(jwt, options), lab.client({ ...jwt, own: await lab.appRole("own", ["proxy"]) }, options)];
      await read(without, "ada", token);
      await expect(without.revokeAccessor(accessors[0] ?? "", signal)).rejects.toMatchObject({ fault: "forbidden" });
      await withOwn.revokeAccessor(accessors[0] ?? "", signal);
      await expect(lookUp(accessors[0] ?? "")).rejects.toThrow("40");
    });
  });

  test.each(["../bob", "..", "bob/x", "", "%2e%2e"])("an agent of the name %j reads nothing by a path with its name", async (name) => {
    const client = lab.client(await lab.appRole("climb", ["proxy"]));
    const source = lab.source({ type: "vault", path: "shared/{agent}/github" }, client);
    await expect(source.fetch(signal, borrowerNamed(name))).rejects.toMatchObject({ fault: "forbidden", message: "forbidden: the agent's name cannot be part of a path" });
  });
});
