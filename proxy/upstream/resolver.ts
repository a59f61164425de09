import { promises as dns, type RecordWithTtl } from "node:dns";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import { isHostName } from "../model/host-name.ts";

/** Answers kept, over all instances. */
const CACHE_ENTRIES = 8_192;
/** Longest time an answer is believed, whatever its TTL says, in milliseconds. */
const MAX_TTL_MS = 300_000;
/** Addresses of one name that are looked at; a longer answer is cut. */
const MAX_ADDRESSES = 16;

/** How much longer than the first family the second may take, in milliseconds (the resolution delay of RFC 8305 §3, made generous). */
const OTHER_FAMILY_MS = 300;

/** What c-ares says when the name exists without such a record, or does not exist: an answer, not a failure. */
const EMPTY_ANSWERS: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

export interface ResolverOptions {
  /** `address`, `address:port` or `[v6]:port`. */
  readonly servers: readonly string[];
  readonly timeoutMs: number;
  readonly tries: number;
  readonly staleMs: number;
  readonly clock: Clock;
}

/** What became of the question for one family: no records and no failure means that the name has none. */
interface Family {
  readonly records: readonly RecordWithTtl[];
  readonly failure: string | null;
}

interface Answer {
  readonly addresses: readonly string[];
  readonly freshUntilMs: number;
}

/**
 * Real addresses of real names. Asks the given servers only: no hosts file, no search domains. A and AAAA are asked together.
 * Caches belong to one instance each, so that no agent learns from timing what another one uses.
 */
export class NameResolver {
  readonly #options: ResolverOptions;
  readonly #resolver: dns.Resolver;
  readonly #cache = new LRUCache<string, Answer>({ max: CACHE_ENTRIES });
  readonly #pending = new Map<string, Promise<readonly string[]>>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#resolver = new dns.Resolver({ timeout: options.timeoutMs, tries: options.tries });
    this.#resolver.setServers(options.servers);
  }

  /**
   * @returns at least one address, unchecked: the caller checks each and dials only what it checked
   * @throws EgressError `upstream.unresolved`
   */
  async resolve(instance: string, name: string): Promise<readonly string[]> {
    if (!isHostName(name)) throw new EgressError("upstream.unresolved", "not a host name");
    const key = `${instance}\n${name}`;
    const known = this.#cache.get(key);
    if (known !== undefined && known.freshUntilMs > this.#options.clock.monotonicMs()) return known.addresses;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const asking = this.#ask(key, name, known).finally(() => this.#pending.delete(key));
    this.#pending.set(key, asking);
    return asking;
  }

  /** Ends all questions under way; their callers get `upstream.unresolved`. */
  close(): void {
    this.#resolver.cancel();
  }

  async #ask(key: string, name: string, known: Answer | undefined): Promise<readonly string[]> {
    const families = await this.#askFamilies(name);
    const records = families.flatMap((family) => family.records);
    if (records.length > 0) return this.#keep(key, records);
    const failure = families.find((family) => family.failure !== null)?.failure ?? null;
    if (failure === null) {
      this.#cache.delete(key);
      throw new EgressError("upstream.unresolved", "the name has no address");
    }
    if (known !== undefined && known.freshUntilMs + this.#options.staleMs > this.#options.clock.monotonicMs()) return known.addresses;
    throw new EgressError("upstream.unresolved", `no DNS server answered (${failure})`);
  }

  /** Asks for both families at once. When one has an address, the other gets a moment more: a server that drops AAAA must not cost seconds. */
  async #askFamilies(name: string): Promise<readonly Family[]> {
    const landed: Family[] = [];
    const enough = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const land = (family: Family): void => {
      landed.push(family);
      if (landed.length === 2) enough.resolve();
      else if (family.records.length > 0) timer = setTimeout(enough.resolve, OTHER_FAMILY_MS);
    };
    void answered(this.#resolver.resolve6(name, { ttl: true })).then(land);
    void answered(this.#resolver.resolve4(name, { ttl: true })).then(land);
    await enough.promise;
    clearTimeout(timer);
    return landed;
  }

  #keep(key: string, records: readonly RecordWithTtl[]): readonly string[] {
    const ttlMs = Math.min(MAX_TTL_MS, ...records.map((record) => record.ttl * 1_000));
    const addresses = records.slice(0, MAX_ADDRESSES).map((record) => record.address);
    this.#cache.set(key, { addresses, freshUntilMs: this.#options.clock.monotonicMs() + ttlMs });
    return addresses;
  }
}

async function answered(asking: Promise<readonly RecordWithTtl[]>): Promise<Family> {
  try {
    return { records: await asking, failure: null };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "EUNKNOWN";
    return { records: [], failure: EMPTY_ANSWERS.has(code) ? null : code };
  }
}
