import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accountToken, fileToken, kubeconfigToken } from "../../../../cli/cluster/caller-token.ts";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { Secret } from "../../../../common/secret.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const PATH = "/api/v1/namespaces/team/serviceaccounts/ci/token";

describe("what a caller shows", () => {
  test("is the token in a file, as it is now", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-token-"));
    try {
      const file = join(folder, "token");
      writeFileSync(file, "one\n");
      const token = fileToken(file);
      expect((await token()).reveal()).toBe("one");
      writeFileSync(file, "two");
      expect((await token()).reveal()).toBe("two");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("is a token of a service account for the controller alone, requested anew before it ends", async () => {
    const api = new MemoryKubeApi();
    const clock = new TestClock();
    const asked: unknown[] = [];
    api.answers.set(PATH, (body) => {
      asked.push((body as { spec: unknown }).spec);
      return { status: { token: `token-${asked.length}`, expirationTimestamp: new Date(clock.nowMs() + 3_600_000).toISOString() } };
    });
    const token = accountToken(api, { namespace: "team", name: "ci" }, clock);
    expect([(await token()).reveal(), (await token()).reveal()]).toEqual(["token-1", "token-1"]);
    clock.advance(3_600_000 - 299_000);
    expect((await token()).reveal()).toBe("token-2");
    expect(asked[0]).toEqual({ audiences: ["weir-controller"], expirationSeconds: 3_600 });
  });

  test("is refused by the API server in words for the caller", async () => {
    const api = new MemoryKubeApi();
    api.answers.set(PATH, () => { throw new KubeError(403, "Forbidden", "may not"); });
    await expect(accountToken(api, { namespace: "team", name: "ci" }, new TestClock())()).rejects.toMatchObject({ name: "UserError", message: "may not" });
  });

  test("is the kubeconfig's bearer token, and nothing else of it", async () => {
    const access = (authorization: string | undefined) => ({ server: "https://x", credentials: async () => (authorization === undefined ? {} : { authorization: new Secret(authorization) }) });
    expect((await kubeconfigToken(access("Bearer abc"))()).reveal()).toBe("abc");
    for (const other of [undefined, "Basic YTpi"]) await expect(kubeconfigToken(access(other))()).rejects.toMatchObject({ exitCode: 2, hint: expect.stringContaining("--service-account") });
  });
});
