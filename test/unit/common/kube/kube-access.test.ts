import { mkdtempSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkedServer, inClusterAccess } from "../../../../common/kube/kube-access.ts";

const IN_POD = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

/** As kubelet lays it out: `token` is a link to a file that is swapped. */
function aServiceAccount(): { folder: string; rotate(token: string): void } {
  const folder = mkdtempSync(join(tmpdir(), "weir-account-"));
  writeFileSync(join(folder, "ca.crt"), "the CA");
  const rotate = (token: string): void => {
    writeFileSync(join(folder, `..${token}`), `${token}\n`);
    symlinkSync(`..${token}`, join(folder, "new"));
    renameSync(join(folder, "new"), join(folder, "token"));
  };
  rotate("first");
  return { folder, rotate };
}

describe("a pod's access", () => {
  test("is the service in its environment, with token and CA of its service account", async () => {
    const access = inClusterAccess(IN_POD, aServiceAccount().folder);
    expect(access.server).toBe("https://10.0.0.1");
    const { caPem, authorization } = await access.credentials();
    expect(caPem).toBe("the CA");
    expect(authorization?.reveal()).toBe("Bearer first");
    expect(JSON.stringify(await access.credentials())).not.toContain("first");
  });

  test("follows the token when kubelet swaps it", async () => {
    const { folder, rotate } = aServiceAccount();
    const access = inClusterAccess(IN_POD, folder);
    await access.credentials();
    rotate("second");
    expect((await access.credentials()).authorization?.reveal()).toBe("Bearer second");
  });

  test("brackets an IPv6 address", () => {
    expect(inClusterAccess({ ...IN_POD, KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }).server).toBe("https://[fd00::1]:6443");
  });

  test.each([{}, { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, { KUBERNETES_SERVICE_HOST: "", KUBERNETES_SERVICE_PORT: "443" }])("is refused outside of a pod: %o", (environment) => {
    expect(() => inClusterAccess(environment)).toThrow("this is not a pod");
  });

  test("fails, and gives no empty token, while the file is missing or empty", async () => {
    const { folder } = aServiceAccount();
    await expect(inClusterAccess(IN_POD, join(folder, "missing")).credentials()).rejects.toThrow("ENOENT");
    writeFileSync(join(folder, "..first"), "");
    await expect(inClusterAccess(IN_POD, folder).credentials()).rejects.toThrow("has 0 bytes");
  });
});

describe("an API server's address", () => {
  test.each([["https://a.example:6443/", "https://a.example:6443"], ["https://a.example/k8s/clusters/c1/", "https://a.example/k8s/clusters/c1"]])("%s is %s", (given, server) => {
    expect(checkedServer(given)).toBe(server);
  });

  test.each(["http://a.example", "a.example", "", "https://user:word@a.example", "https://a.example/?x", "ftp://a"])("%o is refused", (given) => {
    expect(() => checkedServer(given)).toThrow("not an address of an API server");
  });
});
