import { expect, test } from "vitest";
import { keyReference } from "../../../../../proxy/credentials/minting/key-reference.ts";

test.each([
  { type: "file", path: "key.pem" }, { type: "environment", name: "KEY" }, { type: "vault", path: "app/key" }, { type: "exec", commandPath: "/usr/bin/pass" },
  { type: "kubernetes-secret", namespace: "team", name: "keys", key: "pem" },
])("a key may be got by $type", (reference) => {
  expect(keyReference.safeParse(reference).success).toBe(true);
});

test.each([
  { type: "github-app", clientId: "a", installationId: 1, key: { type: "file", path: "k" }, repositories: ["r"], permissions: { contents: "read" } },
  { type: "vault-database", role: "app" }, { type: "identity" },
])("a key may not be got by $type: it would need a key itself, or give more than one value", (reference) => {
  expect(keyReference.safeParse(reference).success).toBe(false);
});
