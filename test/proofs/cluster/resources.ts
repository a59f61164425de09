import { readFileSync } from "node:fs";
import { AGENTS } from "../../support/kube/boundary-lab.ts";
import { NODE_IMAGE } from "../../support/kube/node-lab.ts";

/** Who talks to the agent: a service account, as a user of the API has one. */
export const PERSON = { account: "ann", user: `system:serviceaccount:${AGENTS}:ann` } as const;
/** What OpenBao holds; must never be seen inside a pod. */
export const SECRETS = { github: "ghp_0penBaoHoldsThisForTheAgent00000000", docs: "docs-secret-of-the-server-of-tools", status: "secret-of-the-status-service", chat: "xoxb-secret-of-the-chat" } as const;

/** An object of Weir in the namespace of the agents. */
export const own = (kind: string, name: string, spec: object) => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name, namespace: AGENTS }, spec });
/** A program of this folder, as a container runs it. */
export const program = (file: string) => ({ image: NODE_IMAGE, command: ["node", "--input-type=module", "--eval", readFileSync(new URL(file, import.meta.url), "utf8")] });

const grant = (name: string, host: string, env: object = {}) => own("CredentialGrant", name, { vault: { path: name, key: "token" }, bind: { hosts: [host], methods: ["GET"] }, env });
const policy = (name: string, host: string, grants: readonly string[]) => own("EgressPolicy", name, { data: { hosts: [{ name: host, rule: `${name}.read`, methods: ["GET"], grants }] } });

/** An agent with a server of tools that has rights of its own, a quick one for measuring, and an identity for pods of others. */
export function resources(): object[] {
  const reading = { policies: ["github"], grants: ["github"], idleTimeout: "10s" };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: PERSON.account, namespace: AGENTS } },
    grant("github", "api.github.com", { GITHUB_TOKEN: "auto" }), grant("docs", "docs.github.com"),
    policy("github", "api.github.com", ["github"]), policy("docs", "docs.github.com", ["docs"]),
    own("Agent", "reviewer", {
      ...program("agent.mjs"), ...reading, volumes: [{ name: "workspace", mountPath: "/workspace" }],
      mcpServers: [{ name: "docs", ...program("tools.mjs"), port: 8100, policies: ["docs"], grants: ["docs"] }],
    }),
    // Pods that end would take their time from pods that start.
    own("Agent", "sprinter", { ...program("agent.mjs"), ...reading, idleTimeout: "1h", instances: { max: 100 } }),
    own("Agent", "importer", { policies: ["github"], grants: ["github"] }),
  ];
}

export const thread = (name: string, agent: string) => own("Thread", name, { agent, user: PERSON.user });

/** A Deployment of somebody who only sets two labels. @param container what runs in it; default a program that calls an API again and again */
export function plainDeployment(container: object = program("beat.mjs")): object {
  const labels = { app: "importer", "weir.dev/inject": "enabled", "weir.dev/agent": "importer" };
  return {
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "importer", namespace: AGENTS },
    spec: {
      selector: { matchLabels: { app: "importer" } },
      template: { metadata: { labels }, spec: { automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, containers: [{ name: "importer", ...container, imagePullPolicy: "Never" }] } },
    },
  };
}

/** What the admission policies refuse. */
export function podWithNetAdmin(): object {
  const container = { name: "digger", image: NODE_IMAGE, imagePullPolicy: "Never", command: ["sleep", "60"], securityContext: { capabilities: { add: ["NET_ADMIN"] } } };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "digger", namespace: AGENTS }, spec: { containers: [container] } };
}
