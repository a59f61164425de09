/** Whose tokens and keys a path may be about. */
const GITHUB_ACTORS = ["/repos/*/*", "/repositories/*", "/orgs/*", "/organizations/*", "/enterprises/*"];
const GITLAB_OWNERS = ["/api/*/projects/*", "/api/*/groups/*"];
const HUB_REPOSITORIES = ["/api/*/*", "/api/*/*/*"];

const below = (parents: readonly string[], ...ends: readonly string[]): readonly string[] => parents.flatMap((parent) => ends.map((end) => `${parent}/${end}`));

/**
 * By recipe: where the service answers with a fresh credential, or takes one that the agent chose. The agent would have it in clear: answers can be
 * searched only for what was lent. Sources: the services' API references. What GraphQL says is in its body, and presigned URLs are issued
 * everywhere: neither can be told by the path.
 */
export const ISSUING_PATHS: Readonly<Record<string, readonly string[]>> = {
  anthropic: ["/v1/organizations/**", "/v1/oauth/**"],
  "claude-subscription": ["/api/oauth/claude_cli/create_api_key/**", "/v1/oauth/**", "/v1/organizations/**", "/v1/environments/**", "/v1/code/**"],
  openai: [
    "/v1/realtime/client_secrets/**", "/v1/realtime/sessions/**", "/v1/realtime/transcription_sessions/**", "/v1/realtime/translations/client_secrets/**",
    "/v1/chatkit/sessions/**", "/v1/organization/**", "/v1/organizations/**",
  ],
  "azure-openai": ["/openai/realtimeapi/**", "/openai/realtime/sessions/**", "/openai/realtime/client_secrets/**", "/openai/*/realtime/sessions/**", "/openai/*/realtime/client_secrets/**"],
  // A batch and a call by name have the path of something else in them.
  gemini: ["/*/auth_tokens/**", "/*/authTokens/**", "/batch/**", "/$rpc/**"],
  openrouter: ["/api/*/keys/**", "/api/*/auth/keys/**"],
  xai: ["/v1/realtime/client_secrets/**"],
  huggingface: [
    ...below(HUB_REPOSITORIES, "xet-write-token/**", "xet-read-token/**"), "/api/*/*/*/jwt", "/api/settings/**", "/oauth/**",
  ],

  github: [
    ...below(GITHUB_ACTORS, "actions/runners/registration-token", "actions/runners/remove-token", "actions/runners/generate-jitconfig"),
    "/repos/*/*/keys/**", "/repositories/*/keys/**", "/user/keys/**", "/user/gpg_keys/**", "/user/ssh_signing_keys/**",
    "/app/**", "/app-manifests/**", "/applications/**", "/authorizations/**", "/user/codespaces/**", "/copilot_internal/**",
  ],
  gitlab: [
    "/api/*/personal_access_tokens/**", "/api/*/user/personal_access_tokens/**", "/api/*/users/*/personal_access_tokens/**", "/api/*/users/*/impersonation_tokens/**",
    ...below(GITLAB_OWNERS, "access_tokens/**", "deploy_tokens/**", "service_accounts/**", "runners/reset_registration_token"),
    "/api/*/projects/*/deploy_keys/**", "/api/*/projects/*/triggers/**", "/api/*/projects/*/cluster_agents/*/tokens/**",
    "/api/*/runners/**", "/api/*/user/runners/**", "/api/*/service_accounts/**", "/api/*/applications/**", "/api/*/deploy_keys/**",
    "/api/*/user/keys/**", "/api/*/user/gpg_keys/**", "/api/*/users/*/keys/**", "/api/*/users/*/gpg_keys/**",
    "/api/*/code_suggestions/direct_access", "/api/*/ai/*/direct_access", "/api/graphql",
  ],
  npm: ["/-/npm/*/tokens/**", "/-/npm/*/oidc/**", "/-/user/**", "/-/*/login/**"],
  "crates-io": ["/api/*/me/tokens/**", "/api/*/trusted_publishing/tokens/**"],

  gcloud: [
    // All that is said to a service account: the names of calls (`…:generateAccessToken`) stand in the same segment as its own.
    "/*/projects/*/serviceAccounts/**", "/*/projects/*/hmacKeys/**", "/storage/*/projects/*/hmacKeys/**", "/*/projects/*/locations/*/keys/**",
    "/*/token", "/token", "/batch/**", "/$rpc/**",
  ],
  slack: [
    "/api/oauth.access", "/api/oauth.token", "/api/oauth.v2.access", "/api/oauth.v2.exchange", "/api/openid.connect.token", "/api/tooling.tokens.rotate",
    "/api/apps.connections.open", "/api/apps.manifest.create", "/api/apps.auth.external.get", "/api/rtm.connect", "/api/rtm.start",
  ],
  notion: ["/v1/oauth/**"],
  atlassian: ["/rest/pat/**"],
  sentry: [
    "/api/*/api-tokens/**", "/api/*/sentry-apps/**", "/api/*/sentry-app-installations/*/authorizations", "/api/*/authorizations", "/api/*/api-applications/**",
    "/api/*/organizations/*/org-auth-tokens/**", "/api/*/organizations/*/api-keys/**", "/api/*/projects/*/*/keys/**",
  ],
  stripe: [
    "/v1/ephemeral_keys/**", "/v1/customer_sessions/**", "/v1/account_sessions/**", "/v1/terminal/connection_tokens/**", "/v1/webhook_endpoints/**", "/v1/apps/secrets/**",
    "/v1/accounts/*/login_links/**", "/v1/billing_portal/sessions/**", "/v1/api_keys/**", "/v2/iam/**", "/v2/core/event_destinations/**",
  ],
  tavily: ["/generate-keys/**"],
};
