import * as z from "zod";
import type { CertificateSigner } from "../../model/certificate-signer.ts";
import type { VaultClient } from "./vault-client.ts";
import { readData } from "./vault-engine.ts";

/** Where the authority is. */
export interface PkiPlace {
  /** Of the PKI engine. */
  readonly mount: string;
  /** Name or id of one of its issuers; without it the default one. */
  readonly issuer?: string | undefined;
}

const pem = z.string().max(16_384).regex(/^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*$/);
const signedSchema = z.object({ certificate: pem, issuing_ca: pem, ca_chain: z.array(pem).max(8).nullish() });

/** The transport has a deadline of its own. */
const NEVER = new AbortController().signal;

/** An issuer of Vault's PKI engine, asked as the proxy itself. Every call ends within the client's time for one request. */
export class PkiSigner implements CertificateSigner {
  readonly describe: string;
  readonly #client: VaultClient;
  readonly #segments: readonly string[];

  constructor(client: VaultClient, { mount, issuer }: PkiPlace) {
    this.#client = client;
    this.#segments = [...mount.split("/"), ...issuer === undefined ? ["root"] : ["issuer", issuer], "sign-intermediate"];
    this.describe = `vault:${this.#segments.join("/")}`;
  }

  async signIntermediate(requestPem: string, { commonName, lifetimeMs }: { readonly commonName: string; readonly lifetimeMs: number }): Promise<string> {
    const reply = await this.#client.call({
      segments: this.#segments,
      body: { csr: requestPem, common_name: commonName, exclude_cn_from_sans: true, ttl: `${Math.floor(lifetimeMs / 1_000)}s`, max_path_length: 0, format: "pem" },
    }, null, NEVER);
    const { certificate, issuing_ca: issuer, ca_chain: chain } = readData(signedSchema, reply, this.describe);
    // The chain begins with the certificate itself in some releases, and with its issuer in others.
    const above = (chain ?? [issuer]).map((text) => text.trim()).filter((text) => text !== certificate.trim());
    return [certificate, ...above].map((text) => `${text.trim()}\n`).join("");
  }
}
