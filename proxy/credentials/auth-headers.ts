/**
 * Fields by which the APIs that agents use learn who is asking. All of them go when a credential is lent: two would leave it to the server which
 * one counts, and the agent could bring an account of its own. `cookie` is among them for that reason: where the boundary is the identity, a
 * session of the agent's is another one.
 */
export const AUTH_HEADERS: readonly string[] = [
  "authorization", "proxy-authorization", "cookie",
  "x-api-key", "api-key", "apikey", "x-api-token", "x-auth-token", "x-access-token", "x-auth-key", "x-auth-email",
  "x-goog-api-key", "x-goog-iam-authorization-token", "x-goog-authenticated-user-email",
  "x-amz-security-token", "x-ms-authorization-auxiliary", "ocp-apim-subscription-key", "x-functions-key",
  "private-token", "job-token", "deploy-token", "x-gitlab-token", "x-github-token",
  "x-subscription-token", "dd-api-key", "dd-application-key", "x-shopify-access-token", "x-figma-token", "circle-token",
  "x-vault-token", "x-consul-token", "x-nomad-token", "x-kubernetes-token",
];
