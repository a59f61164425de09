import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parse } from "yaml";
import { PRESET_NAMES, presetFiles } from "../../../cli/agent-presets.ts";
import type { Stage } from "../../support/stage.ts";
import { anthropicApi } from "./anthropic-api.ts";
import { geminiApi } from "./gemini-api.ts";
import { gateway, GATEWAY_HOST } from "./gateway.ts";
import { githubApi, githubHost, makeRepository, REPOSITORY } from "./github-host.ts";
import { npmRegistry, REGISTRY_HOST } from "./npm-registry.ts";
import { openaiApi } from "./openai-api.ts";
import { S3_HOST, s3Api } from "./s3-api.ts";
import type { StandIn } from "./stand-in.ts";

/** The real credentials, of the shapes that their issuers give; made anew for each run. */
export interface Keys {
  readonly anthropic: string;
  readonly openai: string;
  readonly gemini: string;
  readonly github: string;
  readonly npm: string;
  readonly awsId: string;
  readonly awsSecret: string;
}

export function makeKeys(): Keys {
  const text = (length: number) => randomBytes(length).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, length);
  return {
    anthropic: `sk-ant-api03-${text(93)}AA`, openai: `sk-proj-${text(156)}`, gemini: `AIza${text(35)}`, github: `ghp_${text(36)}`, npm: `ghp_${text(36)}`,
    awsId: `AKIA${text(64).toUpperCase().replaceAll(/[^A-Z2-7]/g, "").slice(0, 16)}`,
    // The secrets of AWS have these two characters, which URLs and JSON write in other ways.
    awsSecret: `${text(19)}/+${text(19)}`,
  };
}

/** Those of them that open something by themselves: an access key id is no secret, it is in every signature. */
export function secretsOf({ awsId: _, ...secrets }: Keys): Readonly<Record<string, string>> {
  return secrets;
}

/** All stand-ins. @param folder where the repository is made that one of them serves */
export function makeStandIns(keys: Keys, folder: string): readonly StandIn[] {
  const repositories = makeRepository(join(folder, "repositories"));
  return [
    anthropicApi(keys.anthropic), openaiApi(keys.openai), geminiApi(keys.gemini), githubHost(repositories, keys.github), githubApi(keys.github), npmRegistry(keys.npm),
    gateway(), s3Api({ accessKeyId: keys.awsId, secretAccessKey: keys.awsSecret }),
  ];
}

/** What `weir init --for` writes for the three agents. */
const STARTER = presetFiles(PRESET_NAMES.join(","));
const starterGrants = Object.keys((parse(STARTER.config) as { readonly grants: object }).grants);
const starterHosts = (parse(STARTER.policyData) as { readonly hosts: readonly object[] }).hosts;

/** Writes the configuration: what `weir init` writes for the agents, and a grant for each other service. @param isLent false for the twin: the same policy, and nobody is lent anything */
export function configure(stage: Stage, keys: Keys, { isLent }: { readonly isLent: boolean }): void {
  const file = (name: keyof Keys) => ({ type: "file", path: stage.secretFile(name, keys[name]) });
  const host = (name: string, grant: string, more: object = {}) =>
    ({ name, rule: `stock.${grant}`, methods: ["GET", "HEAD", "POST", "PUT", "DELETE"], ...(isLent ? { grants: [grant] } : {}), ...more });
  stage.configure({
    grants: {
      ...Object.fromEntries(starterGrants.map((name) => [name, { use: name, credential: file(name as keyof Keys) }])),
      github: { use: "github", credential: file("github") },
      "github-git": { use: "github-git", credential: file("github") },
      aws: {
        // The form in which `aws configure export-credentials` prints them.
        credential: {
          type: "file", path: stage.secretFile("aws", JSON.stringify({ Version: 1, AccessKeyId: keys.awsId, SecretAccessKey: keys.awsSecret })),
          fields: { accessKeyId: "AccessKeyId", secretAccessKey: "SecretAccessKey" },
        },
        use: "aws", inject: { regions: ["eu-central-1"], services: ["s3"] }, bind: { hosts: [S3_HOST] },
      },
      npm: { use: "npm", credential: file("npm"), bind: { hosts: [REGISTRY_HOST] } },
    },
  }, {
    hosts: [
      ...starterHosts.map((each) => ({ ...each, ...(isLent ? {} : { grants: [] }) })),
      // No more than the clients need: Codex fetches plugins of its own from both, and would be lent the token for that as well.
      host("api.github.com", "github", { paths: ["/user"] }),
      host("github.com", "github-git", { paths: [`/${REPOSITORY}.git/**`] }),
      host(REGISTRY_HOST, "npm"),
      host(S3_HOST, "aws"),
      host(GATEWAY_HOST, "gateway", { grants: [] }),
    ],
  });
}
