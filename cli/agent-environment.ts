import type { Environment } from "../common/config.ts";

/** A name with one of these words carries a credential more often than not. */
const CREDENTIAL_WORDS = /(^|_)(API_?KEYS?|APIKEY|ACCESS_?KEY(_ID)?|SECRETS?|TOKENS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?|PRIVATE_?KEY|AUTH)(_|$)/i;

/** Names that end so, whatever is before it without a break: SSHPASS, PGPASSWORD, STRIPE_KEY. PWD and OLDPWD are folders. */
const CREDENTIAL_ENDS = /(PASS|PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIALS?|_PWD|_KEY|_PAT|_JWT|_DSN|_COOKIES?|_?CONNECTION_?STRING)$|^(PAT|JWT|COOKIE)$/i;

/** Values that are credentials under any name: a URL with a password, a private key, and the tokens that say by their first letters what they are. */
const CREDENTIAL_VALUE = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----|^(gh[oprsu]_|github_pat_|glpat-|xox[abeprs]-|sk-|AKIA|ASIA|npm_|hf_|eyJ[\w-]+\.)/i;

/** Proxy settings would send the agent's clients to an address that does not exist in the sandbox: interception is transparent. */
const PROXY_NAMES = /^(https?|all|ftp|no)_proxy$/i;

/** Sockets of the host and of the desktop; each is a way out that is not IP. */
const SOCKET_NAMES = new Set(["SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "DISPLAY",
  "WAYLAND_DISPLAY", "XAUTHORITY", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "PULSE_SERVER", "SESSION_MANAGER", "TMUX", "STY", "VSCODE_IPC_HOOK_CLI"]);

/** Weir's own settings are not the agent's business. */
const OWN_NAMES = /^(WEIR_|npm_(config|package|lifecycle)_)/;

export interface AgentEnvironment {
  readonly variables: Record<string, string>;
  /** Names left out because they look like a credential; shown to the user, never their values. */
  readonly hidden: readonly string[];
}

/**
 * The environment of the agent: the caller's, less what looks like a credential, points at a socket of the host or names a proxy;
 * plus the dummies of the grants and the trust settings, which win.
 * @param pass names that stay although they look like a credential (`sandbox.pass`)
 */
export function agentEnvironment(caller: Environment, pass: readonly string[], ...added: readonly Readonly<Record<string, string>>[]): AgentEnvironment {
  const variables: Record<string, string> = {};
  const hidden: string[] = [];
  const overlay = Object.assign({}, ...added) as Record<string, string>;
  for (const [name, value] of Object.entries(caller)) {
    if (value === undefined || SOCKET_NAMES.has(name) || PROXY_NAMES.test(name) || OWN_NAMES.test(name)) continue;
    if (looksLikeCredential(name, value) && !pass.includes(name)) {
      if (!Object.hasOwn(overlay, name)) hidden.push(name);
      continue;
    }
    variables[name] = value;
  }
  return { variables: { ...variables, ...overlay }, hidden };
}

function looksLikeCredential(name: string, value: string): boolean {
  return CREDENTIAL_WORDS.test(name) || CREDENTIAL_ENDS.test(name) || CREDENTIAL_VALUE.test(value);
}
