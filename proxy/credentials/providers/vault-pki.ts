import { X509Certificate } from "node:crypto";
import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import { newPrivateKey } from "../../../common/tls/ca.ts";
import { certificateSigningRequest } from "../../../common/tls/signing-request.ts";
import type { Borrower } from "../../model/agent.ts";
import { SourceError, type Material } from "../secret-source.ts";
import type { VaultClient, VaultReply } from "../vault/vault-client.ts";
import { readData, VaultEngineSource, vaultRole } from "../vault/vault-engine.ts";
import { isLeaseCurrent, leasedMaterial } from "../vault/vault-lease.ts";
import { fillPath, isTemplate, vaultPath } from "../vault/vault-path.ts";

export const vaultPkiReference = z.strictObject({
  type: z.literal("vault-pki"),
  mount: vaultPath.default("pki").describe("Where the PKI engine is mounted."),
  role: vaultRole.describe("Role of the engine; `{namespace}` or `{agent}` stands for the agent's. With `generate_lease` on it, the certificate is revoked when the instance ends."),
  commonName: z.string().max(64).regex(/^[A-Za-z0-9._{}@-]+$/, "not a common name").refine((text) => isTemplate(labelsOf(text)), "must have at most one of {namespace} and {agent} between two dots")
    .describe("Name on the certificate; `{namespace}` and `{agent}` stand for the agent's, one between two dots."),
  ttlSeconds: z.number().int().min(60).max(31_536_000).optional().describe("How long the certificate is valid, in seconds; without it the role's."),
}).describe("A client certificate, as `certificate` and `privateKey`, by the PKI engine. The key is made by the proxy and never leaves it.");
type Reference = z.output<typeof vaultPkiReference>;

/** Of the certificate's time, what it is used for: connections that it opens must not end with it. */
const USED = 0.9;

const pem = z.string().max(16_384).regex(/^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*$/);
const signedSchema = z.object({ certificate: pem, ca_chain: z.array(pem).max(8).nullish() });

/** A certificate for each instance, with a key of its own. */
export function vaultPki(reference: Reference, client: VaultClient): VaultEngineSource {
  const { mount, role, commonName, ttlSeconds } = reference;
  const describe = `vault:${mount}/sign/${role}`;
  return new VaultEngineSource({
    describe, scope: "instance",
    ask: (borrower) => {
      const name = nameFor(commonName, borrower);
      const keyPem = newPrivateKey();
      return {
        call: {
          segments: [...mount.split("/"), "sign", ...fillPath(role, borrower.agent)], behind: "lease",
          body: { csr: certificateSigningRequest(name, keyPem), common_name: name, format: "pem", ...ttlSeconds === undefined ? {} : { ttl: `${ttlSeconds}s` } },
        },
        read: (reply) => readCertificate({ client, borrower, describe, keyPem }, reply),
      };
    },
    isCurrent: (version) => !version.includes("-") || isLeaseCurrent(client, version),
  }, client);
}

/** A name with dots, as a path: the same rules make sure that no two agents get the same one. */
function labelsOf(commonName: string): string {
  return commonName.replaceAll(".", "/");
}

function nameFor(template: string, { agent }: Borrower): string {
  const name = fillPath(labelsOf(template), agent);
  if (name.some((label) => label.includes("."))) throw new SourceError("forbidden", "the agent's name cannot be part of a certificate's");
  return name.join(".");
}

interface Asked {
  readonly client: VaultClient;
  readonly borrower: Borrower;
  readonly describe: string;
  readonly keyPem: string;
}

function readCertificate({ client, borrower, describe, keyPem }: Asked, reply: VaultReply): Material {
  const { certificate, ca_chain: above } = readData(signedSchema, reply, describe);
  const chain = [certificate, ...above ?? []].map((text) => `${text.trim()}\n`).join("");
  const values = { certificate: new Secret(chain), privateKey: new Secret(keyPem) };
  const leaf = new X509Certificate(certificate);
  const endMs = leaf.validToDate.getTime();
  // Vault dates it back by a while; a clock that is behind must not make it longer than it is.
  const lifetimeMs = Math.min(endMs - leaf.validFromDate.getTime(), endMs - client.clock.nowMs()) * USED;
  if (isLeased(reply)) return { ...leasedMaterial(client, borrower, reply, values), lifetimeMs };
  return { values, version: leaf.fingerprint256.replaceAll(":", "").slice(0, 12).toLowerCase(), lifetimeMs, lease: null };
}

function isLeased({ body }: VaultReply): boolean {
  return z.object({ lease_id: z.string().min(1) }).safeParse(body).success;
}
