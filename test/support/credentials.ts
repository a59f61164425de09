import { Secret } from "../../common/secret.ts";
import type { Binding, CredentialsConfig, Grants } from "../../proxy/credentials/config.ts";
import { credentialsConfig, grantsConfig } from "../../proxy/credentials/config.ts";
import type { CredentialLender } from "../../proxy/credentials/credential-lender.ts";
import { EgressError } from "../../proxy/errors.ts";
import type { AgentIdentity, Borrower } from "../../proxy/model/agent.ts";
import type { RequestHead } from "../../proxy/model/request.ts";

/** A value that no test may ever find anywhere but in the header that is sent. */
export const CANARY = "canary-5ecret-d0-n0t-pr1nt";

export const AN_AGENT: AgentIdentity = { namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "", labels: {}, chain: [] };

/** A room that lends nothing. */
export const noLender: CredentialLender = {
  lend: async () => { throw new EgressError("internal", "not here"); },
  lendLogin: async () => { throw new EgressError("internal", "not here"); },
  refuseStray: () => {},
  endInstance: async () => {},
};

/** The same, as what a connection knows of who borrows. */
export const A_BORROWER: Borrower = { agent: AN_AGENT, token: new Secret("token-of-the-agent") };

/** A canonical GET of https://api.example.test/v1/things, but for what is given. */
export function aHead(over: Partial<RequestHead> = {}): RequestHead {
  const path = over.path ?? "/v1/things";
  return {
    httpVersion: "1.1", method: "GET", scheme: "https", host: "api.example.test", port: 443, path, segments: path.slice(1).split("/"),
    query: null, headers: [], framing: { kind: "none" }, expectsContinue: false, upgrade: null, ...over,
  };
}

/** The binding of the head above, as the schema completes it. */
export function aBinding(over: Partial<Binding> = {}): Binding {
  return { hosts: ["api.example.test"], ports: [443], methods: ["GET", "POST"], paths: ["/v1/**"], notPaths: [], ...over };
}

/** Grants as the configuration file gives them, through its schema. */
export function someGrants(grants: Readonly<Record<string, unknown>>): Grants {
  return grantsConfig.parse(grants);
}

export function credentialSettings(over: Readonly<Record<string, unknown>> = {}): CredentialsConfig {
  return credentialsConfig.parse({ attemptDelayMs: 0, ...over });
}
