/** Query parameters by which APIs learn who is asking, lower case, hyphens for underscores. Names that ordinary parameters have too are not among them. */
const PARAMETERS = new Set([
  "access-token", "api-key", "apikey", "api-token", "auth-token", "oauth-token", "private-token", "job-token", "bearer-token", "subscription-key", "x-api-key",
]);

/** `key` is a word like any other, but not there. */
const KEY_HOSTS = /(?:^|\.)googleapis\.com$/;

/**
 * Whether a query parameter says who is asking. Where a credential is lent, the agent's own goes: two would leave it to the server which one counts.
 * @param name decoded, best as `plainParameterName` has it @param host canonical
 */
export function isCredentialParameter(name: string, host: string): boolean {
  const plain = name.toLowerCase().replaceAll("_", "-");
  return PARAMETERS.has(plain) || (plain === "key" && KEY_HOSTS.test(host));
}

/**
 * The name of a parameter, such that two that any server takes for the same are the same: in lower case, decoded byte by byte without what is no
 * escape, cut where PHP and its like cut (`api_key[]`, NUL), with `_` for dots, spaces and hyphens.
 */
export function plainParameterName(pair: string): string {
  const [name = ""] = pair.split("=", 1);
  const decoded = name.replaceAll("+", " ").replace(/%([0-9A-F]{2})|%.{0,2}/gi, (_escape, hex?: string) => (hex === undefined ? "" : String.fromCharCode(Number.parseInt(hex, 16))));
  return decoded.trimStart().replace(/[[\x00].*$/s, "").replace(/[. -]/g, "_").toLowerCase();
}

/**
 * A query without some of its parameters, the others as they are written. Some servers end a parameter at `;` too, so that each part is judged.
 * @param isKept is asked with `name=value`, as written @returns null if none is left
 */
export function keptParameters(query: string, isKept: (pair: string) => boolean): string | null {
  // At even places parameters, at odd ones what is between them.
  const parts = query.split(/([&;])/);
  const kept = parts.flatMap((part, index) => (index % 2 === 0 && isKept(part) ? [[parts[index - 1] ?? "", part] as const] : []));
  return kept.length === 0 ? null : kept.map(([separator, pair], index) => (index === 0 ? pair : separator + pair)).join("");
}
