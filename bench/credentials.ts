import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { systemClock } from "../common/clock.ts";
import { Secret } from "../common/secret.ts";
import { credentialsConfig, grantsConfig } from "../proxy/credentials/config.ts";
import { openLender, type Lender } from "../proxy/credentials/lender.ts";
import { exchangeConfig } from "../proxy/exchange/config.ts";
import { HeldBytes } from "../proxy/exchange/held-bytes.ts";
import { ProbeWatch } from "../proxy/exchange/probe-watch.ts";
import { inject } from "../proxy/exchange/inject.ts";
import type { ExchangePath } from "../proxy/exchange/serve-exchange.ts";
import type { Allow } from "../proxy/model/decision.ts";
import type { Incoming } from "../proxy/model/incoming.ts";
import type { RequestHead } from "../proxy/model/request.ts";

/** CPU time that the stage `inject` takes for one request, cached secret, in microseconds. */
export interface CredentialResult {
  readonly scenario: string;
  readonly requests: number;
  /** Median over the rounds. */
  readonly cpuMicros: number;
  /** Above the first scenario, in which nothing is configured and nothing lent. */
  readonly addedMicros: number;
}

interface Scenario {
  readonly name: string;
  readonly lender: Lender;
  readonly grants: readonly string[];
  readonly head: RequestHead;
  readonly body: Buffer | null;
}

const ROUNDS = 5;
const HOST = "api.example.test";
const MANY = 100;
const BODY = Buffer.from(JSON.stringify({ token: "PLACEHOLDER-0123456789", text: "x".repeat(960) }));
const ENVIRONMENT = { VALUE: "s3cret-of-the-bench-0123456789" };
const bind = { hosts: [HOST] };
const value = { type: "environment", name: "VALUE" };

/** Ways of injection side by side, rounds interleaved: each meets the same machine. */
export async function run(requestsPerRound = 20_000): Promise<CredentialResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const keysFile = join(folder, "keys.json");
  writeFileSync(keysFile, JSON.stringify({ id: "AKIAREALREALREALREAL", key: "s3cret-key-of-the-bench-0123456789" }), { mode: 0o600 });
  const scenarios = openScenarios(keysFile);
  const micros = scenarios.map(() => [] as number[]);
  for (const scenario of scenarios) await cpuMicrosOf(scenario, 2_000);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, scenario] of scenarios.entries()) micros[index]?.push(await cpuMicrosOf(scenario, requestsPerRound));
  }
  const medians = micros.map((each) => each.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0);
  await Promise.all(scenarios.map(async ({ lender }) => lender.close()));
  rmSync(folder, { recursive: true });
  const rounded = (number: number) => Math.round(number * 10) / 10;
  return scenarios.map(({ name }, index) => ({
    scenario: name, requests: ROUNDS * requestsPerRound, cpuMicros: rounded(medians[index] ?? 0), addedMicros: rounded((medians[index] ?? 0) - (medians[0] ?? 0)),
  }));
}

function openScenarios(keysFile: string): Scenario[] {
  const nothing = lenderOf({});
  const many = lenderOf(Object.fromEntries(Array.from({ length: MANY }, (_, index) =>
    [`grant-${index}`, { credential: value, bind, env: { [`GH_TOKEN_${index}`]: "github", [`KEY_${index}`]: "opaque" } }])));
  const lending = lenderOf({
    header: { credential: value, bind }, query: { credential: value, bind, inject: { type: "query", parameter: "key" } },
    filled: { credential: value, bind, inject: { type: "placeholder", in: ["json"], placeholder: "PLACEHOLDER-0123456789" } },
    aws: { credential: { type: "file", path: keysFile, fields: { accessKeyId: "id", secretAccessKey: "key" } }, bind, inject: { type: "aws-sigv4", regions: ["*"], services: ["s3", "dynamodb"] } },
  });
  const json: [string, string][] = [["content-type", "application/json"]];
  return [
    { name: "nothing configured, nothing lent", lender: nothing, grants: [], head: aHead(), body: null },
    { name: `nothing lent, dummies of ${MANY} grants looked for`, lender: many, grants: [], head: aHead(), body: null },
    { name: "header", lender: lending, grants: ["header"], head: aHead(), body: null },
    { name: "query", lender: lending, grants: ["query"], head: aHead(), body: null },
    { name: "placeholder in JSON of 1 KiB", lender: lending, grants: ["filled"], head: aHead(json, BODY), body: BODY },
    { name: "aws-sigv4, S3, no body", lender: lending, grants: ["aws"], head: aHead(signedFor("s3")), body: null },
    { name: "aws-sigv4, DynamoDB, 1 KiB", lender: lending, grants: ["aws"], head: aHead([...json, ...signedFor("dynamodb")], BODY), body: BODY },
  ];
}

function lenderOf(grants: Readonly<Record<string, unknown>>): Lender {
  return openLender({ grants: grantsConfig.parse(grants), credentials: credentialsConfig.parse({}) }, { environment: ENVIRONMENT }, systemClock);
}

async function cpuMicrosOf({ lender, grants, head, body }: Scenario, requests: number): Promise<number> {
  const rooms = { credentials: lender, holdings: { of: () => ({ grants: null, budgets: [] }) }, clock: systemClock };
  const config = exchangeConfig.parse({});
  const path = { rooms, config, watch: { add: () => () => {} }, held: new HeldBytes(config.heldBytes), probes: new ProbeWatch() } as unknown as ExchangePath;
  const allow: Allow = { kind: "allow", rule: "bench", handling: "intercept", grants, budgets: [], obligations: {}, revision: "1" };
  const agent = { namespace: "bench", name: "agent", thread: "bench", instance: "bench", user: "", labels: {}, chain: [] };
  const connection = { agent, token: new Secret(""), signal: new AbortController().signal };
  const answer = { gone: null, proceed: () => {} };
  const before = process.cpuUsage();
  for (let count = 0; count < requests; count += 1) {
    const stream = body === null ? null : Readable.from([body], { objectMode: false });
    const incoming = { connection, answer, exchangeId: "bench", head: null, fault: null, body: stream } as unknown as Incoming;
    (await inject({ head, body: incoming.body }, allow, incoming, path)).release();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

/** About 700 bytes: what a command-line client sends. */
function aHead(more: readonly [string, string][] = [], body: Buffer | null = null): RequestHead {
  const path = "/v1/projects/42/items";
  return {
    httpVersion: "1.1", method: body === null ? "GET" : "POST", scheme: "https", host: HOST, port: 443, path, segments: path.slice(1).split("/"),
    query: "page=1&cursor=b3BhcXVlLWN1cnNvcg",
    headers: [
      ["user-agent", "client/1.2.3 node/26.0.0 (linux; x64)"], ["accept", "*/*"],
      ...Array.from({ length: 8 }, (_, index): [string, string] => [`x-header-${index}`, "value ".repeat(8).trim()]), ...more,
    ],
    framing: body === null ? { kind: "none" } : { kind: "length", bytes: body.byteLength }, expectsContinue: false, upgrade: null,
  };
}

function signedFor(service: string): [string, string][] {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIADUMMY/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=${"0".repeat(64)}`;
  return [["authorization", authorization], ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]];
}

if (import.meta.main) {
  for (const { scenario, cpuMicros, addedMicros, requests } of await run()) {
    process.stdout.write(`${scenario.padEnd(48)} ${cpuMicros} us of CPU per request, ${addedMicros} us more than nothing (${requests} requests)\n`);
  }
}
