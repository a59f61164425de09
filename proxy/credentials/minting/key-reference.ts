import * as z from "zod";
import { environmentReference } from "../providers/environment.ts";
import { execReference } from "../providers/exec.ts";
import { fileReference } from "../providers/file.ts";
import { kubernetesSecretReference } from "../providers/kubernetes-secret.ts";
import { vaultReference } from "../providers/vault-kv.ts";

/** Where one value is, by which another credential is got: the sources that give one and need no other source for it. */
export const keyReference = z.discriminatedUnion("type", [fileReference, environmentReference, vaultReference, execReference, kubernetesSecretReference]);
export type KeyReference = z.output<typeof keyReference>;
