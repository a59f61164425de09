/**
 * Where programs keep credentials in the user's home. Hidden by default: the boundary lends credentials, and one that the agent can read
 * needs no lending. Relative to the home; `sandbox.hide` in weir.yaml replaces the list.
 */
export const CREDENTIAL_STORES = [
  "~/.ssh", "~/.gnupg", "~/.password-store", "~/.local/share/keyrings", "~/.pki",
  "~/.aws", "~/.azure", "~/.config/gcloud", "~/.oci", "~/.config/doctl", "~/.config/hcloud",
  "~/.docker", "~/.config/containers/auth.json", "~/.kube", "~/.config/helm/registry", "~/.terraform.d/credentials.tfrc.json",
  "~/.config/gh", "~/.config/glab-cli", "~/.config/hub", "~/.netrc", "~/.git-credentials", "~/.config/git/credentials",
  "~/.npmrc", "~/.yarnrc.yml", "~/.pypirc", "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.gem/credentials", "~/.m2/settings.xml",
  "~/.vault-token", "~/.pgpass", "~/.my.cnf", "~/.config/op", "~/.config/sops", "~/.config/rclone", "~/.s3cfg", "~/.boto",
  // Of agents themselves: who has logged in holds a token there.
  "~/.claude/.credentials.json", "~/.codex/auth.json", "~/.gemini/oauth_creds.json", "~/.local/share/opencode/auth.json", "~/.config/github-copilot",
  "~/.mozilla", "~/.config/google-chrome", "~/.config/chromium", "~/.config/BraveSoftware", "~/.thunderbird",
] as const;

/** `~` and `~/x` to the home. */
export function expandHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? home + path.slice(1) : path;
}
