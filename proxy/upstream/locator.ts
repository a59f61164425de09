import { isIP } from "node:net";
import { PLATFORM_NAME } from "../../common/labels.ts";
import { EgressError } from "../errors.ts";
import type { AddressGuard } from "./address-guard.ts";
import type { Route } from "./config.ts";
import { unlessAborted } from "./deadline.ts";
import type { Candidate } from "./dial.ts";
import type { NameResolver } from "./resolver.ts";

/** Turns a destination into the addresses that may be dialled for it: a route, or what the name resolves to less what the guard refuses. */
export class Locator {
  readonly #routes: ReadonlyMap<string, Candidate>;
  readonly #pins = new Map<string, Candidate>();
  readonly #resolver: NameResolver;
  readonly #guard: AddressGuard;

  constructor(routes: readonly Route[], resolver: NameResolver, guard: AddressGuard) {
    this.#routes = new Map(routes.map((route) => [`${route.name} ${route.port}`, { address: route.address, port: route.dialPort }]));
    this.#resolver = resolver;
    this.#guard = guard;
  }

  /** From now on the name leads to this address alone; null: nowhere. */
  pin(name: string, port: number, to: Candidate | null): void {
    if (to === null) this.#pins.delete(`${name} ${port}`);
    else this.#pins.set(`${name} ${port}`, to);
  }

  /**
   * @param host a name or an address literal
   * @returns at least one candidate
   * @throws EgressError `upstream.unresolved | destination.forbidden`, or the signal's reason
   */
  async candidates(instance: string, host: string, port: number, signal: AbortSignal): Promise<readonly Candidate[]> {
    const route = this.#pins.get(`${host} ${port}`) ?? this.#routes.get(`${host} ${port}`);
    if (route !== undefined) return [route];
    // Whoever answers for it in DNS is not the controller, and must not be shown the proxy's own identity.
    if (host === PLATFORM_NAME) throw new EgressError("upstream.unresolved", `${PLATFORM_NAME} port ${port} leads nowhere here`);
    const addresses = isIP(host) === 0 ? await unlessAborted(this.#resolver.resolve(instance, host), signal) : [host];
    const refusals: string[] = [];
    const candidates = addresses.filter((address) => {
      const why = this.#guard(address);
      if (why !== null) refusals.push(`${address} (${why})`);
      return why === null;
    }).map((address) => ({ address, port }));
    if (candidates.length === 0) throw new EgressError("destination.forbidden", `only addresses that agents may not reach: ${refusals.join(", ")}`);
    return candidates;
  }

  close(): void {
    this.#resolver.close();
  }
}
