import { expect, test } from "vitest";
import { weirConfig } from "../../../cli/config.ts";
import { protectedPaths } from "../../../cli/protected-paths.ts";

const config = weirConfig.parse({
  stateDirectory: "/s", policy: { directory: "/p" },
  grants: {
    a: { credential: { type: "file", path: "/c/a" }, bind: { hosts: ["a.test"] } },
    b: { credential: { type: "vault", path: "team/b" }, bind: { hosts: ["b.test"] } },
  },
  credentials: { vault: { address: "https://vault.test", tokenFile: "/v/token", caFile: "/v/ca" } },
  tls: { caCertFile: "/t/cert", caKeyFile: "/t/key" },
  upstream: { extraCaFiles: ["/u/1", "/u/2"] },
  audit: { directory: "/a", witnessDirectory: "/w" },
});

test("what holds a secret or a record does not exist for the agent", () => {
  expect(protectedPaths({ config, file: "/weir.yaml" }).hidden.toSorted()).toEqual(["/a", "/c/a", "/s", "/t/key", "/v/token", "/w"]);
});

test("what decides over the agent is read-only for it, the configuration first", () => {
  expect(protectedPaths({ config, file: "/weir.yaml" }).readOnly.toSorted()).toEqual(["/p", "/t/cert", "/u/1", "/u/2", "/v/ca", "/weir.yaml"]);
});

test("a path of Vault is no file of this machine", () => {
  const { hidden, readOnly } = protectedPaths({ config, file: null });
  expect([...hidden, ...readOnly]).not.toContain("team/b");
});

test("the token and the key with which bundles are fetched do not exist for the agent", () => {
  const fetching = weirConfig.parse({
    policy: {
      service: { url: "https://bundles.test", tokenFile: "/b/token", certificateFile: "/b/cert", keyFile: "/b/key", caFile: "/b/ca" },
      verification: { keys: { release: { keyFile: "/b/release.pub" } } },
    },
  });
  const { hidden, readOnly } = protectedPaths({ config: fetching, file: null });
  expect(hidden.toSorted()).toEqual(["/b/key", "/b/release.pub", "/b/token"]);
  expect(readOnly.toSorted()).toEqual(["/b/ca", "/b/cert"]);
});
