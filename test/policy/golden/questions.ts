import { compileClusterData } from "../../../proxy/policy/compile-cluster.ts";
import { policyData } from "../../../proxy/policy/data.ts";
import type { PolicyInput, Question } from "../../../proxy/policy/policy-engine.ts";
import { aConnection, aName, anExchange } from "../questions.ts";
import { READING_HOSTS, TENANTS } from "./reading-data.ts";
import { pickedReadings, readingQuestion } from "./reading-questions.ts";
import { picker, type Picker } from "./walk.ts";

/** Data that uses everything the format has. */
export const GOLDEN_DATA = {
  hosts: [
    { name: "api.example.com", rule: "api.read", paths: ["/v1/**"], grants: ["api"], budgets: ["team"], max_request_bytes: 1_000 },
    { name: "api.example.com", rule: "api.write", methods: ["POST", "PUT"], paths: ["/v1/items/*", "/v1/items"], agents: ["default/writer"], grants: ["api", "audit"] },
    { name: "api.example.com", rule: "api.admin", effect: "deny", paths: ["/v1/admin/**"], reason: "administration is for people" },
    { name: "*.example.com", rule: "example.read", ports: [443, 8443] },
    { name: "**.deep.test", methods: ["*"], websocket: true },
    { name: "plain.test", ports: [80], schemes: ["http"] },
    { name: "both.test", ports: [80, 443], schemes: ["http", "https"], methods: ["GET"], paths: ["/", "/a b/ü"] },
    { name: "db.example.com", rule: "db", ports: [5432], handling: "tunnel", budgets: ["db"], agents: ["*/writer"] },
    { name: "pg.example.net", rule: "pg", ports: [5432], handling: "postgres", databases: ["app"], users: ["agent"], grants: ["pg"], budgets: ["db"] },
    { name: "pg.example.net", rule: "pg.any", ports: [5432], handling: "postgres", databases: ["*"], agents: ["default/writer"], grants: ["pg-any"] },
    { name: "closed.deep.test", effect: "deny", reason: "closed", hint: "ask" },
    { name: "xn--bcher-kva.example" },
    ...READING_HOSTS,
  ],
  addresses: [
    { cidr: "10.0.0.0/8", ports: [5432], handling: "tunnel" },
    { cidr: "10.1.0.0/16", ports: [443], methods: ["*"] },
    { cidr: "fd00::/8", ports: [443] },
    { cidr: "0.0.0.0/0", ports: [9999], handling: "tunnel" },
  ],
  names: { hide: ["**.cluster.local", "hidden.deep.test", "*.secret.test"] },
};

export interface GoldenQuestion {
  readonly question: Question;
  readonly input: PolicyInput;
}

const ADDRESSES = ["10.0.0.1", "10.1.2.3", "11.0.0.1", "169.254.169.254", "100.100.100.200", "127.0.0.1", "fd00::1", "fd00:ec2::254", "fe80::1", "::1", "2001:db8::1", "::ffff:10.0.0.1"];
const NAMES = [
  "api.example.com", "www.example.com", "a.b.example.com", "example.com", "evilexample.com", "example.com.evil", "x.deep.test", "x.y.deep.test", "deep.test",
  "closed.deep.test", "hidden.deep.test", "plain.test", "both.test", "db.example.com", "a.secret.test", "a.b.secret.test", "svc.cluster.local", "cluster.local",
  "metadata.google.internal", "xn--bcher-kva.example", "localhost", "", ".example.com", "*.example.com", "API.example.com", "api.example.com.", "a..example.com",
];
const PATHS: readonly (readonly string[])[] = [
  [], [""], ["v1"], ["v1", ""], ["v1", "models"], ["v1", "items"], ["v1", "items", "7"], ["v1", "items", "7", "x"], ["v1", "admin"], ["v1", "admin", "x"],
  ["v2"], ["a b", "ü"], ["v1/items"], ["..", "v1"], ["\"quoted\"", "\u0000"], ["*"], ["**"], ["%41"], ["💧", "x".repeat(700)],
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "get", "*"];
const AGENTS = [{}, { name: "writer" }, { namespace: "other", name: "writer" }, { namespace: "*", name: "*" }];
const WIRES = ["tls", "http", "opaque"] as const;
const PORTS = [443, 80, 8443, 5432, 9999];

/** Cases that the walk may miss. */
const HAND_PICKED: readonly GoldenQuestion[] = [
  { question: "connection", input: aConnection({ agent: { name: "writer" }, connection: { name: "db.example.com", port: 5432, wire: "opaque" } }) },
  { question: "connection", input: aConnection({ agent: { name: "writer" }, connection: { name: "db.example.com", port: 5432, wire: "tls" } }) },
  { question: "connection", input: aConnection({ connection: { name: "db.example.com", port: 5432, wire: "opaque" } }) },
  { question: "exchange", input: anExchange({ agent: { name: "writer" }, connection: { name: "db.example.com", port: 5432 } }) },
  { question: "connection", input: aConnection({ connection: { name: "plain.test", port: 80, wire: "http" } }) },
  { question: "exchange", input: anExchange({ connection: { name: "plain.test", port: 80, wire: "http" }, request: { scheme: "http" } }) },
  { question: "exchange", input: anExchange({ connection: { name: "plain.test", port: 80, wire: "http" }, request: { scheme: "https" } }) },
  { question: "exchange", input: anExchange({ connection: { name: "x.deep.test" }, request: { upgrade: "websocket" } }) },
  { question: "exchange", input: anExchange({ request: { upgrade: "websocket" } }) },
  { question: "exchange", input: anExchange({ connection: { name: "both.test" }, request: { path: ["a b", "ü"] } }) },
  { question: "exchange", input: anExchange({ connection: { name: "both.test" }, request: { path: ["a b/ü"] } }) },
  { question: "exchange", input: anExchange({ connection: { name: "evil.test" }, request: { host: "api.example.com" } }) },
  { question: "exchange", input: anExchange({ request: { headers: { "x-forwarded-host": "evil.test", host: "evil.test", "x-weir-agent": "default/writer" } } }) },
];

const SESSION = { user: "agent", database: "app", application_name: "psql", options: "" };
const AT_DATABASE = { name: "pg.example.net", port: 5432, wire: "postgres" } as const;

/** Sessions of databases, with and without what the client says. */
const SESSIONS: readonly GoldenQuestion[] = [
  { question: "connection", input: aConnection({ connection: AT_DATABASE }) },
  { question: "connection", input: aConnection({ connection: { ...AT_DATABASE, wire: "tls", alpn: ["postgresql"] } }) },
  { question: "connection", input: aConnection({ connection: { ...AT_DATABASE, wire: "tls" } }) },
  { question: "connection", input: { ...aConnection({ connection: AT_DATABASE }), sql: SESSION } },
  { question: "connection", input: { ...aConnection({ connection: AT_DATABASE }), sql: { ...SESSION, database: "payroll" } } },
  { question: "connection", input: { ...aConnection({ connection: AT_DATABASE }), sql: { ...SESSION, user: "root" } } },
  { question: "connection", input: { ...aConnection({ agent: { name: "writer" }, connection: AT_DATABASE }), sql: { ...SESSION, database: "payroll" } } },
  { question: "connection", input: { ...aConnection({ agent: { name: "writer" }, connection: { ...AT_DATABASE, name: "db.example.com" } }), sql: SESSION } },
];

/** Base documents for the questions below: the data above for everybody, and policies of two tenants. */
export function goldenData() {
  const policies = TENANTS.policies.map(({ namespace, name, hosts }) => ({ namespace, name, data: policyData.parse({ hosts }), rego: { sources: new Map<string, string>(), questions: new Set<Question>() } }));
  return compileClusterData({ ...TENANTS, base: policyData.parse(GOLDEN_DATA), policies });
}

const SEED = 20_260_101;

/** The questions whose answers are checked in: every name and address once in each question, hand-picked bodies, then a fixed walk through combinations. */
export function goldenQuestions(): GoldenQuestion[] {
  const questions: GoldenQuestion[] = [...HAND_PICKED, ...SESSIONS, ...pickedReadings()];
  for (const place of PLACES) {
    questions.push({ question: "connection", input: aConnection({ connection: place }) }, { question: "exchange", input: anExchange({ connection: place }) });
    if (!place.is_address) questions.push({ question: "name", input: aName(place.name) });
  }
  for (const path of PATHS) for (const method of ["GET", "POST"]) questions.push({ question: "exchange", input: anExchange({ agent: { name: "writer" }, request: { path, method } }) });
  return [...questions, ...generatedQuestions(SEED, 600)];
}

/**
 * As many questions as are wanted, the same for the same seed: a third about destinations, methods and paths, the others about what heads and bodies say.
 * All are of the agreed shape. To be asked of the library with {@link goldenData}.
 */
export function* generatedQuestions(seed: number, count: number): Generator<GoldenQuestion> {
  const pick = picker(seed);
  for (let asked = 0; asked < count; asked += 1) yield asked % 3 === 0 ? placeQuestion(pick) : readingQuestion(pick);
}

const PLACES = [...NAMES.map((name) => ({ name, is_address: false })), ...ADDRESSES.map((name) => ({ name, is_address: true }))];

function placeQuestion(pick: Picker): GoldenQuestion {
  const connection = { ...pick(PLACES), port: pick(PORTS), wire: pick(WIRES) };
  const request = { method: pick(METHODS), path: pick(PATHS), scheme: pick(["https", "http"] as const), upgrade: pick([null, null, "websocket"] as const) };
  const agent = pick(AGENTS);
  const question = pick(["connection", "exchange", "exchange", "name"] as const);
  if (question === "connection") return { question, input: aConnection({ agent, connection }) };
  return question === "exchange" ? { question, input: anExchange({ agent, connection, request }) } : { question, input: aName(pick(NAMES)) };
}
