import { expect, test } from "vitest";
import { filesUnder, linesMatching, PRODUCT } from "./repository.ts";

/** Every file that may see the text of a secret, and why it must. A new one needs a reason here. */
const REVEALERS: Readonly<Record<string, string>> = {
  "proxy/credentials/searchable.ts": "judges whether answers can be searched for it",
  "common/approvals/standard-webhook.ts": "signs messages to other services with it",
  "common/kube/kube-pools.ts": "opens connections to the API server with the client key, and writes the token onto them",
  "cli/cluster/caller-token.ts": "takes the bearer token out of the kubeconfig's header, for the controller",
  "cli/cluster/controller-client.ts": "gives the client of the API what it shows the controller",
  "cli/policy/bundle-server.ts": "compares the bearer token of a request with it",
  "cli/policy/push-bundle.ts": "shows the server of bundles that it may publish",
  "proxy/connection/postgres/log-in.ts": "writes the lent user into the startup message",
  "proxy/connection/postgres/scram.ts": "proves to the server that it knows the lent password",
  "proxy/credentials/header-text.ts": "looks whether it can be part of a header field",
  "proxy/credentials/inject-basic.ts": "writes user and password as HTTP Basic has them, which is a Secret again",
  "proxy/credentials/inject-client-certificate.ts": "looks whether certificate and key are a pair",
  "proxy/credentials/inject-cookie.ts": "writes the cookie that carries it, which is a Secret again",
  "proxy/credentials/inject-placeholder.ts": "looks whether it can stand where placeholders do",
  "proxy/credentials/inject-query.ts": "looks whether it can be a query parameter",
  "proxy/credentials/inject-sigv4.ts": "signs with it",
  "proxy/credentials/lend-login.ts": "looks whether the protocol can carry user and password",
  "proxy/credentials/stray/live-secrets.ts": "knows a secret in use when it goes astray",
  "proxy/credentials/placeholder-places.ts": "puts it in place of placeholders",
  "proxy/credentials/minting/signed-assertion.ts": "signs with the private key",
  "proxy/credentials/minting/refresh-token-file.ts": "writes the refresh token to the disk of the proxy, mode 0600",
  "proxy/credentials/providers/github-app.ts": "shows GitHub the token that it shall take back",
  "proxy/credentials/providers/gcp-service-account.ts": "reads the key file, whose key is a Secret again",
  "proxy/credentials/providers/oauth2.ts": "shows the server the client's secret, the refresh token, and the token that it shall take back",
  "proxy/credentials/sigv4-request.ts": "reads what else was put into a request that is signed",
  "proxy/credentials/vault/vault-api.ts": "writes the client token into a request to Vault",
  "proxy/credentials/vault/vault-login.ts": "writes the JWT that logs in into the request to Vault",
  "proxy/exchange/secret-patterns.ts": "must know what to look for in an answer",
  "proxy/exchange/lent-query.ts": "writes the query parameter that carries it; path and query are a Secret again",
  "proxy/upstream/trust.ts": "gives TLS the key of a lent client certificate",
  "proxy/upstream/undici-upstream.ts": "writes lent credentials onto the verified connection to their destination",
};

test("only the listed files look inside a Secret", () => {
  const paths = PRODUCT.flatMap((folder) => filesUnder(folder, ".ts")).filter((path) => path !== "common/secret.ts");
  const callers = new Set(linesMatching(paths, /\.reveal\(/).map((line) => line.split(":")[0]));
  expect(callers).toEqual(new Set(Object.keys(REVEALERS)));
});
