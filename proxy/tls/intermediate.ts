import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { readOrMakePrivateFile } from "../../common/private-file.ts";
import { newPrivateKey } from "../../common/tls/ca.ts";
import { certificateSigningRequest } from "../../common/tls/signing-request.ts";
import type { CertificateSigner } from "../model/certificate-signer.ts";
import { CERTIFICATES, intermediateFiles, readCa, type Ca, type IntermediateFiles } from "./ca.ts";
import type { TlsConfig } from "./config.ts";

/** Part of the certificate's life after which the next one is asked for. */
const RENEW_AT = 2 / 3;
/** Between two looks at the clock, and between two attempts. */
const LOOK_MS = 60_000;

export interface IntermediateOptions {
  readonly stateDirectory: string;
  readonly config: NonNullable<TlsConfig["intermediate"]>;
  readonly signer: CertificateSigner;
  readonly clock: Clock;
}

/** What became of a renewal, for the audit log. */
export interface CaEvent {
  readonly event: "tls.ca-renewed" | "tls.ca-not-renewed";
  readonly outcome: "succeeded" | "failed";
  readonly fields: Readonly<Record<string, string>>;
}

/** A CA for interception that another authority signed, for a time. Its key is made here and never leaves. */
export class IntermediateCa {
  readonly #options: IntermediateOptions;
  readonly #keyPem: string;
  #current: Ca;

  private constructor(options: IntermediateOptions, keyPem: string, current: Ca) {
    this.#options = options;
    this.#keyPem = keyPem;
    this.#current = current;
  }

  /**
   * Takes up the certificate of an earlier start while it is good, or has one signed.
   * @throws UserError if there is none that is valid now, and none can be had
   */
  static async open(options: IntermediateOptions): Promise<IntermediateCa> {
    const files = intermediateFiles(options.stateDirectory);
    const keyPem = await readOrMakePrivateFile(files.key, async () => newPrivateKey());
    const kept = readKept(files, keyPem, options.clock);
    if (kept !== null && !isDue(kept, options.clock)) return new IntermediateCa(options, keyPem, kept);
    try {
      return new IntermediateCa(options, keyPem, await sign(options, keyPem));
    } catch (error) {
      // Its time is not over: the attempts go on while it is used.
      if (kept !== null) return new IntermediateCa(options, keyPem, kept);
      throw new UserError(`cannot have the interception CA signed by ${options.signer.describe}: ${describeError(error)}`,
        "The proxy starts when it can: without a CA that agents trust, no TLS of theirs is opened. See docs/vault.md for the policy that it takes.", EXIT.config, { cause: error });
    }
  }

  get current(): Ca {
    return this.#current;
  }

  /** Has the certificate signed anew before its end, again and again. @param use is given each new one */
  async keep(use: (ca: Ca) => void, onEvent: (event: CaEvent) => void, signal: AbortSignal): Promise<void> {
    let isFailing = false;
    for (;;) {
      await wait(LOOK_MS, undefined, { signal, ref: false });
      if (!isDue(this.#current, this.#options.clock)) continue;
      try {
        use(await this.renew());
        isFailing = false;
        onEvent({ event: "tls.ca-renewed", outcome: "succeeded", fields: { until: new Date(this.#current.notAfterMs).toISOString() } });
      } catch (error) {
        if (!isFailing) onEvent({ event: "tls.ca-not-renewed", outcome: "failed", fields: { until: new Date(this.#current.notAfterMs).toISOString(), error: describeError(error) } });
        isFailing = true;
      }
    }
  }

  /** @throws Error if none can be had, or it is below another root than agents were told to trust */
  async renew(): Promise<Ca> {
    const next = await sign(this.#options, this.#keyPem, this.#current.caPem);
    this.#current = next;
    return next;
  }
}

/** Null if there is none, it is over, or it is another key's. */
function readKept({ chain }: IntermediateFiles, keyPem: string, clock: Clock): Ca | null {
  try {
    return readCa(chain, readFileSync(chain, "utf8"), keyPem, clock);
  } catch {
    return null;
  }
}

function isDue({ notBeforeMs, notAfterMs }: Ca, clock: Clock): boolean {
  return clock.nowMs() >= notBeforeMs + (notAfterMs - notBeforeMs) * RENEW_AT;
}

/** What is not a chain to a root is not taken: agents would refuse each of its leaves. */
async function sign({ stateDirectory, config, signer, clock }: IntermediateOptions, keyPem: string, trusted?: string): Promise<Ca> {
  const chainPem = await signer.signIntermediate(certificateSigningRequest(config.commonName, keyPem), config);
  const { chain: path } = intermediateFiles(stateDirectory);
  const ca = readCa(path, chainPem, keyPem, clock);
  requireChain(chainPem);
  if (trusted !== undefined && ca.caPem !== trusted) throw new Error("it is below another root than the one that agents trust; start the proxy and the agents anew");
  await writeFile(`${path}.new`, chainPem, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return ca;
}

function requireChain(chainPem: string): void {
  const chain = (chainPem.match(CERTIFICATES) ?? []).map((pem) => new X509Certificate(pem));
  const isWhole = chain.length > 1 && chain.every((certificate, index) => {
    const issuer = chain[index + 1] ?? certificate;
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  });
  if (!isWhole) throw new Error("what was signed does not lead to a root; give the PKI engine the whole chain of its issuer");
}
