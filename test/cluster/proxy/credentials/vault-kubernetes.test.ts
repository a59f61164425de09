import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { tokenReview } from "../../../../common/kube/reviews.ts";
import { valueOf } from "../../../../proxy/credentials/secret-source.ts";
import type { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { findKubernetes } from "../../../../tools/kubernetes.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { CANARY } from "../../../support/credentials.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { borrowerNamed, openVaultLab, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);
const hasCluster = isRequired || await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]) !== null;
const signal = AbortSignal.timeout(400_000);
const ADA = borrowerNamed("ada");

describe.skipIf(bao === null || !hasCluster)("a real OpenBao beside a real API server (npm run verify:cluster brings them)", () => {
  let server: OpenBaoServer;
  let plane: ControlPlane;
  let lab: VaultLab;
  beforeAll(async () => {
    [server, plane] = await Promise.all([startOpenBao(bao ?? ""), startControlPlane({ level: 1 })]);
    lab = await openVaultLab(server);
    await lab.policy("proxy", { "secret/data/shared/*": ["read"], "kubernetes/creds/*": ["update"], "sys/leases/revoke": ["update"] });
    await server.call("POST", "secret/data/shared/github", { data: { value: CANARY } });
    await plane.createNamespace("weir");
    await plane.createNamespace("team");
    for (const account of ["proxy", "other", "vault"]) await plane.kubectl(["-n", "weir", "create", "serviceaccount", account]);
    await plane.kubectl(["create", "clusterrolebinding", "vault", "--clusterrole=cluster-admin", "--serviceaccount=weir:vault"]);
    const reviewer = await plane.tokenFor("weir/vault", { audience: plane.issuer, seconds: 3_600 });
    const access = { kubernetes_host: plane.url, kubernetes_ca_cert: plane.caPem, disable_local_ca_jwt: true };
    await server.call("POST", "sys/auth/kubernetes", { type: "kubernetes" });
    await server.call("POST", "auth/kubernetes/config", { ...access, token_reviewer_jwt: reviewer });
    await server.call("POST", "auth/kubernetes/role/proxy", {
      bound_service_account_names: ["proxy"], bound_service_account_namespaces: ["weir"], audience: "vault", token_policies: ["proxy"], token_ttl: "10m",
    });
    await server.call("POST", "sys/mounts/kubernetes", { type: "kubernetes" });
    await server.call("POST", "kubernetes/config", { ...access, service_account_jwt: reviewer });
    await server.call("POST", "kubernetes/roles/agents", { allowed_kubernetes_namespaces: ["team"], service_account_name: "default", token_default_ttl: "10m" });
  });
  afterAll(async () => {
    await lab?.close();
    await Promise.all([server?.close(), plane?.stop()]);
  });

  const clientOf = async (account: string, audience: string, role = "proxy"): Promise<VaultClient> => {
    const jwtFile = await lab.file(`jwt-${account}-${audience}`, await plane.tokenFor(`weir/${account}`, { audience, seconds: 600 }));
    return lab.client({ method: "kubernetes", role, jwtFile });
  };
  const shared = async (client: VaultClient) => valueOf(await lab.source({ type: "vault", path: "shared/github" }, client).fetch(signal, ADA), "value").reveal();

  test("knows the proxy by its own projected token", async () => {
    expect(await shared(await clientOf("proxy", "vault"))).toBe(CANARY);
  });

  test.each([
    ["of another service account", "other", "vault", "proxy"], ["for another audience", "proxy", "elsewhere", "proxy"], ["and a role that is not there", "proxy", "vault", "admin"],
  ])("refuses a login with a token %s", async (_what, account, audience, role) => {
    await expect(shared(await clientOf(account, audience, role))).rejects.toMatchObject({ fault: "forbidden" });
  });

  test("gives a token of a service account, leased and for its namespace alone", async () => {
    const client = await clientOf("proxy", "vault");
    const material = await lab.source({ type: "vault-kubernetes", role: "agents", namespace: "{namespace}" }, client).fetch(signal, ADA);
    const review = await tokenReview(plane.api, valueOf(material, "value").reveal(), [plane.issuer]);
    expect(review).toMatchObject({ isAuthentic: true, user: { username: "system:serviceaccount:team:default" } });
    expect([material.lifetimeMs, material.lease?.isRenewable]).toEqual([600_000, false]);
    await material.lease?.revoke(signal);
  });

  test("gives none for a namespace that the role does not name", async () => {
    const client = await clientOf("proxy", "vault");
    const source = lab.source({ type: "vault-kubernetes", role: "agents", namespace: "{namespace}" }, client);
    await expect(source.fetch(signal, borrowerNamed("ada", "none", { namespace: "weir" }))).rejects.toMatchObject({ name: "SourceError", isPassing: false });
  });
});
