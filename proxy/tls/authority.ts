import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import { LRUCache } from "lru-cache";
import { addressToBytes } from "../../common/address-bytes.ts";
import type { Clock } from "../../common/clock.ts";
import {
  alternativeAddress, alternativeDnsName, authorityKeyId, basicConstraintsLeaf, commonName, keyIdOf, keyUsageLeaf, serverAuth, signCertificate, subjectKeyId,
} from "../../common/tls/certificate.ts";
import { EgressError } from "../errors.ts";
import { isHostName } from "../model/host-name.ts";
import type { Ca } from "./ca.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { TlsConfig } from "./config.ts";
import { serverContext } from "./server-context.ts";

/** RFC 5280 upper bound of a common name; longer hosts are in the alternative name alone. */
const COMMON_NAME_LIMIT = 64;

/**
 * Mints leaves with one key pair of this process. Minting is synchronous and takes well under 2 ms, so that callers who want the same host
 * at once get the same one; what is asked for again comes from the cache, renewed at half of its lifetime.
 */
export class LeafAuthority implements CertificateAuthority {
  #ca: Ca;
  readonly #config: TlsConfig;
  readonly #clock: Clock;
  readonly #publicKey: KeyObject;
  readonly #keyPem: string;
  #extensions: readonly Buffer[];
  readonly #contexts: LRUCache<string, SecureContext>;

  constructor(ca: Ca, config: TlsConfig, clock: Clock) {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#ca = ca;
    this.#config = config;
    this.#clock = clock;
    this.#publicKey = publicKey;
    this.#keyPem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    this.#extensions = this.#extensionsOf(ca);
    const perf = { now: () => clock.monotonicMs() };
    this.#contexts = new LRUCache({ max: config.contextCacheEntries, ttl: config.leafLifetimeMs / 2, perf, ttlResolution: 0 });
  }

  get caPem(): string {
    return this.#ca.caPem;
  }

  /** Later leaves are this CA's, which is below the same root as the one before. */
  useCa(ca: Ca): void {
    this.#ca = ca;
    this.#extensions = this.#extensionsOf(ca);
    this.#contexts.clear();
  }

  async contextFor(host: string): Promise<SecureContext> {
    const known = this.#contexts.get(host);
    if (known !== undefined) return known;
    const context = serverContext(this.#mint(host) + this.#ca.chainPem, this.#keyPem);
    this.#contexts.set(host, context);
    return context;
  }

  #extensionsOf(ca: Ca): readonly Buffer[] {
    return [basicConstraintsLeaf(), keyUsageLeaf(), serverAuth(), subjectKeyId(keyIdOf(this.#publicKey)), authorityKeyId(ca.keyId)];
  }

  /** @returns PEM of a new leaf */
  #mint(host: string): string {
    const nowMs = this.#clock.nowMs();
    const isShort = host.length <= COMMON_NAME_LIMIT;
    return signCertificate({
      subject: commonName(isShort ? host : null),
      publicKey: this.#publicKey,
      notBeforeMs: nowMs - this.#config.leafBackdateMs,
      notAfterMs: Math.min(nowMs + this.#config.leafLifetimeMs, this.#ca.notAfterMs),
      extensions: [alternativeName(host, !isShort), ...this.#extensions],
    }, this.#ca);
  }
}

/** Only exact hosts: no wildcard, no address written as a name. */
function alternativeName(host: string, isCritical: boolean): Buffer {
  if (isIP(host) !== 0 && !host.includes("%")) return alternativeAddress(addressToBytes(host));
  if (isHostName(host)) return alternativeDnsName(host, isCritical);
  throw new EgressError("internal", "no certificate for what is neither a host name nor an address");
}
