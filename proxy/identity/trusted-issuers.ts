import type { Clock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { EgressError } from "../errors.ts";
import type { ClusterTokens } from "../model/pods.ts";
import { CLUSTER_ISSUER, type IdentityConfig } from "./config.ts";
import { fetchKeys, KeySet, readKeysFile } from "./key-set.ts";
import type { LocalIssuer } from "./local-issuer.ts";

/** One issuer and what is accepted of it. */
export interface TrustedIssuer {
  readonly kind: "local" | "kubernetes";
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly keys: KeySet;
}

type ConfiguredIssuer = IdentityConfig["issuers"][number];

export interface IssuerSources {
  readonly clock: Clock;
  /** Trusted besides the configured ones. */
  readonly local: Pick<LocalIssuer, "issuer" | "audience" | "algorithm" | "jwks"> | undefined;
  /** For issuers of kind `kubernetes` that say no place of their keys, or not even their name. */
  readonly cluster: Pick<ClusterTokens, "issuer" | "keys"> | undefined;
}

/** The issuers by their `iss`. One whose name only the cluster knows is asked for when it is needed first. */
export class TrustedIssuers {
  readonly #known = new Map<string, TrustedIssuer>();
  readonly #nameless: Omit<TrustedIssuer, "issuer">[] = [];
  readonly #sources: IssuerSources;
  readonly #cooldownMs: number;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  /** @throws UserError if only a cluster could tell what is missing of an issuer, and there is none */
  constructor(config: IdentityConfig, sources: IssuerSources) {
    const { clock, local } = sources;
    const times = { refreshMs: config.keysRefreshMs, cooldownMs: config.keysCooldownMs };
    this.#sources = sources;
    this.#cooldownMs = config.keysCooldownMs;
    const isClusterMissing = sources.cluster !== undefined && !config.issuers.some(({ kind }) => kind === "kubernetes");
    for (const configured of isClusterMissing ? [...config.issuers, CLUSTER_ISSUER] : config.issuers) {
      const { kind, issuer, audience, algorithms } = configured;
      const trusted = { kind, audience, algorithms, keys: new KeySet(this.#loader(configured), times, clock) };
      if (issuer !== undefined) this.#known.set(issuer, { ...trusted, issuer });
      else if (this.#cluster() !== undefined) this.#nameless.push(trusted);
    }
    if (local === undefined) return;
    const { issuer, audience, algorithm, jwks } = local;
    this.#known.set(issuer, { kind: "local", issuer, audience, algorithms: [algorithm], keys: new KeySet(async () => jwks, times, clock) });
  }

  /**
   * @param claimed the token's `iss`, unverified: it only chooses the keys
   * @throws EgressError `identity.rejected` for a stranger, `identity.unavailable` if the cluster's name is not known yet
   */
  async find(claimed: string): Promise<TrustedIssuer> {
    if (!this.#known.has(claimed) && this.#nameless.length > 0) await this.#learn();
    const issuer = this.#known.get(claimed);
    if (issuer !== undefined) return issuer;
    if (this.#nameless.length > 0) throw new EgressError("identity.unavailable", "the cluster has not said yet which tokens are its own");
    throw new EgressError("identity.rejected", "the token's issuer is not trusted");
  }

  /** However many tokens arrive, the cluster is asked once in the cool-down. */
  async #learn(): Promise<void> {
    const nowMs = this.#sources.clock.monotonicMs();
    if (this.#asking === null && nowMs - this.#askedMs < this.#cooldownMs) return;
    this.#askedMs = nowMs;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const issuer = await this.#cluster().issuer();
      for (const trusted of this.#nameless.splice(0)) this.#known.set(issuer, { ...trusted, issuer });
    } catch (cause) {
      throw new EgressError("identity.unavailable", "the cluster does not say which tokens are its own", { cause });
    }
  }

  #loader({ jwksFile, jwksUrl }: ConfiguredIssuer): () => Promise<unknown> {
    if (jwksFile !== undefined) return async () => readKeysFile(jwksFile);
    if (jwksUrl !== undefined) return async () => fetchKeys(jwksUrl);
    const cluster = this.#cluster();
    return async () => cluster.keys();
  }

  #cluster(): Pick<ClusterTokens, "issuer" | "keys"> {
    if (this.#sources.cluster === undefined) throw new UserError("an issuer without name or keys, and no cluster to ask", "Give issuer and jwksFile or jwksUrl, or configure `cluster`.", EXIT.config);
    return this.#sources.cluster;
  }
}
