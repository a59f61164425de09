import { EgressError } from "../errors.ts";
import { plainParameterName } from "../model/credential-places.ts";
import type { Loan } from "../model/loan.ts";
import { AUTH_HEADERS } from "./auth-headers.ts";
import type { Injection } from "./injection.ts";

const FINISH_ORDER = { place: 0, sign: 1 } as const;

/**
 * The loan of grants that are lent together, but for what the record says of it. Placeholders come before a signature, whatever their order.
 * @param names of the grants, one for each injection
 * @throws EgressError `credential.unavailable` if two of them want the same place: one would silently not be sent
 */
export function mergeInjections(names: readonly string[], injections: readonly Injection[]): Omit<Loan, "references"> {
  requireDistinct(names, injections);
  const headers = injections.flatMap(({ headers: set = [] }) => set);
  const keep = new Set(injections.flatMap(({ keep: kept = [] }) => kept));
  const finish = injections.flatMap(({ finish: last = [] }) => last).toSorted((one, other) => FINISH_ORDER[one.order] - FINISH_ORDER[other.order]);
  onlyOne("a signature", finish.filter(({ order }) => order === "sign"));
  return {
    headers, finish,
    query: injections.flatMap(({ query: set = [] }) => set),
    strip: [...new Set([...AUTH_HEADERS.filter((name) => !keep.has(name)), ...headers.map(([name]) => name), ...injections.flatMap(({ strip = [] }) => strip)])],
    judgesQuery: injections.some(({ judgesQuery = false }) => judgesQuery),
    toleratesRange: injections.every(({ toleratesRange = false }) => toleratesRange),
    clientCertificate: onlyOne("a client certificate", injections.flatMap(({ clientCertificate = [] }) => clientCertificate)),
    webSocketText: onlyOne("a way to change WebSocket text", injections.flatMap(({ webSocketText = [] }) => webSocketText)),
    secrets: injections.flatMap(({ secrets }) => secrets),
    owners: injections.flatMap(({ secrets }, index) => secrets.map(() => index)),
  };
}

function requireDistinct(names: readonly string[], injections: readonly Injection[]): void {
  const owners = new Map<string, string>();
  for (const [index, { headers = [], query = [], keep = [] }] of injections.entries()) {
    const name = names[index] ?? "";
    for (const place of [...headers.map(([field]) => field), ...query.map(([parameter]) => `?${plainParameterName(parameter)}`), ...keep]) {
      const owner = owners.get(place);
      if (owner !== undefined) throw new EgressError("credential.unavailable", `grants ${owner} and ${name} both set ${place}`);
      owners.set(place, name);
    }
  }
}

function onlyOne<T>(what: string, given: readonly T[]): T | null {
  if (given.length > 1) throw new EgressError("credential.unavailable", `two of the grants bring ${what}`);
  return given[0] ?? null;
}
