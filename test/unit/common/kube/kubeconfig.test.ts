import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { accessFromKubeconfig } from "../../../../common/kube/kubeconfig.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function aKubeconfig(change: { cluster?: object; user?: object } = {}): string {
  const path = join(mkdtempSync(join(tmpdir(), "weir-kubeconfig-")), "config");
  writeFileSync(path, stringify({
    apiVersion: "v1", kind: "Config", "current-context": "one",
    clusters: [{ name: "c", cluster: { server: "https://a.example:6443", "certificate-authority-data": base64("the CA"), ...change.cluster } }],
    users: [{ name: "u", user: change.user ?? { token: "word-of-the-test" } }],
    contexts: [{ name: "one", context: { cluster: "c", user: "u" } }, { name: "lost", context: { cluster: "none", user: "u" } }],
  }));
  return path;
}

test("a kubeconfig gives server, CA and token", async () => {
  const access = await accessFromKubeconfig(aKubeconfig());
  expect(access.server).toBe("https://a.example:6443");
  const { caPem, authorization } = await access.credentials();
  expect(caPem).toBe("the CA");
  expect(authorization?.reveal()).toBe("Bearer word-of-the-test");
});

test("a kubeconfig gives a client certificate, and the name that the server must bear", async () => {
  const access = await accessFromKubeconfig(aKubeconfig({
    cluster: { "tls-server-name": "kubernetes" }, user: { "client-certificate-data": base64("cert"), "client-key-data": base64("key") },
  }));
  expect(access.serverName).toBe("kubernetes");
  const { certPem, keyPem, authorization } = await access.credentials();
  expect([certPem, keyPem?.reveal(), authorization]).toEqual(["cert", "key", undefined]);
});

test("a kubeconfig's plugin is asked for the token", async () => {
  const credential = JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "of-the-plugin" } });
  const access = await accessFromKubeconfig(aKubeconfig({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: [credential], interactiveMode: "Never" } } }));
  expect((await access.credentials()).authorization?.reveal()).toBe("Bearer of-the-plugin");
});

test.each([
  ["does not check the server's certificate", { cluster: { "insecure-skip-tls-verify": true } }, "must prove itself"],
  ["goes through a proxy", { cluster: { "proxy-url": "http://proxy.example:3128" } }, "proxy-url is not supported"],
  ["has no TLS", { cluster: { server: "http://a.example" } }, "not an address of an API server"],
  ["impersonates", { user: { token: "x", as: "jane" } }, "impersonation (as) is not supported"],
] as const)("a kubeconfig that %s is refused", async (_what, change, message) => {
  await expect(accessFromKubeconfig(aKubeconfig(change))).rejects.toThrow(message);
});

test("a context, cluster or file that is not there is named", async () => {
  await expect(accessFromKubeconfig(aKubeconfig(), "lost")).rejects.toThrow("no cluster for the context lost");
  await expect(accessFromKubeconfig(aKubeconfig(), "unheard-of")).rejects.toThrow("no cluster for the context unheard-of");
  await expect(accessFromKubeconfig("/nonexistent/config")).rejects.toThrow("cannot read the kubeconfig /nonexistent/config");
});
