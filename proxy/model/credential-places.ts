/** Query parameters by which APIs learn who is asking, lower case, hyphens for underscores. Names that ordinary parameters have too are not among them. */
const PARAMETERS = new Set([
  "access-token", "api-key", "apikey", "api-token", "auth-token", "oauth-token", "private-token", "job-token", "bearer-token", "subscription-key", "x-api-key",
]);

/** `key` is a word like any other, but not there. */
const KEY_HOSTS = /(?:^|\.)googleapis\.com$/;

/**
 * Whether a query parameter says who is asking. Where a credential is lent, the agent's own goes: two would leave it to the server which one counts.
 * @param name decoded @param host canonical
 */
export function isCredentialParameter(name: string, host: string): boolean {
  const plain = name.toLowerCase().replaceAll("_", "-");
  return PARAMETERS.has(plain) || (plain === "key" && KEY_HOSTS.test(host));
}
