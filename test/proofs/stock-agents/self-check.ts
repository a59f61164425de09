import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";
import { dummyKey } from "../../../common/dummy-keys.ts";
import { REPOSITORY } from "./github-host.ts";
import { REGISTRY_HOST } from "./npm-registry.ts";
import type { Keys } from "./providers.ts";
import { S3_HOST } from "./s3-api.ts";
import { signatureFault, type KeyPair } from "./sigv4-check.ts";
import type { Ask } from "./stand-in.ts";

/** Where the stand-ins listen. */
export interface Place {
  readonly port: number;
  readonly caPem: string;
}

interface Probe {
  readonly host: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** How the provider's own answer to a wrong credential begins, and its status. */
  readonly refusal: readonly [status: number, body: RegExp];
  readonly headersWith: (key: string) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

const JSON_TYPE = { "content-type": "application/json" };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

const PROBES: Readonly<Record<"anthropic" | "openai" | "gemini" | "github" | "git" | "npm", Probe>> = {
  anthropic: {
    host: "api.anthropic.com", method: "POST", path: "/v1/messages",
    body: '{"model":"claude-opus-5-5","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"Hello"}]}',
    refusal: [401, /^\{"type":"error","error":\{"type":"authentication_error","message":"invalid x-api-key"\}/],
    headersWith: (key) => ({ ...JSON_TYPE, "anthropic-version": "2023-06-01", "x-api-key": key }),
  },
  openai: {
    host: "api.openai.com", method: "POST", path: "/v1/responses", body: '{"model":"gpt-6.1-sol","stream":true,"input":"Hello"}',
    refusal: [401, /"type":"invalid_request_error","param":null,"code":"invalid_api_key"/], headersWith: (key) => ({ ...JSON_TYPE, ...bearer(key) }),
  },
  gemini: {
    host: "generativelanguage.googleapis.com", method: "POST", path: "/v1beta/models/gemini-3-pro:generateContent", body: '{"contents":[{"parts":[{"text":"Hello"}]}]}',
    refusal: [400, /^\{"error":\{"code":400,"message":"API key not valid\./], headersWith: (key) => ({ ...JSON_TYPE, "x-goog-api-key": key }),
  },
  github: { host: "api.github.com", method: "GET", path: "/user", refusal: [401, /^\{"message":"Bad credentials"/], headersWith: bearer },
  git: {
    host: "github.com", method: "GET", path: `/${REPOSITORY}.git/info/refs?service=git-upload-pack`, refusal: [401, /^Invalid username or token/],
    headersWith: (key) => ({ authorization: `Basic ${Buffer.from(`x-access-token:${key}`).toString("base64")}` }),
  },
  npm: { host: REGISTRY_HOST, method: "GET", path: "/-/whoami", refusal: [401, /^\{"error":"unauthenticated/], headersWith: bearer },
};

/** What is wrong with the stand-ins: each must take the real credential and turn the dummy away as its provider does. Empty if nothing is. */
export async function standInProblems(keys: Keys, place: Place): Promise<readonly string[]> {
  const dummies = {
    anthropic: dummyKey("anthropic", "anthropic", "ANTHROPIC_API_KEY"), openai: dummyKey("openai", "openai", "OPENAI_API_KEY"), gemini: dummyKey("google", "gemini", "GEMINI_API_KEY"),
    github: dummyKey("github", "github", "GH_TOKEN"), git: dummyKey("github", "github-git", "GH_TOKEN"), npm: dummyKey("npm", "npm", "NPM_TOKEN"),
  };
  const real = { ...keys, git: keys.github };
  const problems = await Promise.all((Object.keys(PROBES) as (keyof typeof PROBES)[]).map(async (name) => probeProblems(PROBES[name], place, { real: real[name], dummy: dummies[name] })));
  return [...problems.flat(), ...await bucketProblems({ accessKeyId: keys.awsId, secretAccessKey: keys.awsSecret }, place), ...vectorProblems()];
}

async function probeProblems(probe: Probe, place: Place, { real, dummy }: { readonly real: string; readonly dummy: string }): Promise<readonly string[]> {
  const [status, shape] = probe.refusal;
  const taken = await ask(probe, place, await probe.headersWith(real));
  const refused = await ask(probe, place, await probe.headersWith(dummy));
  return [
    ...taken.status === 200 ? [] : [`${probe.host} answers the real credential with ${taken.status}`],
    ...refused.status === status && shape.test(refused.body) ? [] : [`${probe.host} answers a dummy with ${refused.status} ${refused.body.slice(0, 120)}`],
  ];
}

/** Signed by another implementation than the one that checks. */
async function bucketProblems(keys: KeyPair, place: Place): Promise<readonly string[]> {
  const dummy: KeyPair = {
    accessKeyId: dummyKey("aws-access-key-id", "aws", "AWS_ACCESS_KEY_ID"), secretAccessKey: dummyKey("aws-secret-access-key", "aws", "AWS_SECRET_ACCESS_KEY"),
  };
  const cases: readonly (readonly [what: string, pair: KeyPair, status: number, code: string])[] = [
    ["the real pair", keys, 200, "<ListBucketResult>"],
    ["a dummy pair", dummy, 403, "<Code>InvalidAccessKeyId<"],
    ["the real id with a dummy secret", { ...keys, secretAccessKey: dummy.secretAccessKey }, 403, "<Code>SignatureDoesNotMatch<"],
  ];
  const problems = await Promise.all(cases.map(async ([what, credentials, status, code]) => {
    const signer = new SignatureV4({ credentials, region: "eu-central-1", service: "s3", sha256: Sha256, uriEscapePath: false, applyChecksum: true });
    const signed = await signer.sign({ method: "GET", protocol: "https:", hostname: S3_HOST, path: "/", query: { "list-type": "2" }, headers: { host: S3_HOST } });
    const answer = await ask({ host: S3_HOST, method: "GET", path: "/?list-type=2" }, place, signed.headers);
    return answer.status === status && answer.body.includes(code) ? [] : [`${S3_HOST} answers ${what} with ${answer.status} ${answer.body.slice(0, 200)}`];
  }));
  return problems.flat();
}

/** The example of Amazon's documentation: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Object". */
function vectorProblems(): readonly string[] {
  const keys = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
  const example: Ask = {
    method: "GET", target: "/test.txt", path: "/test.txt", query: new URLSearchParams(), host: "examplebucket.s3.amazonaws.com", body: Buffer.alloc(0),
    headers: {
      range: "bytes=0-9", "x-amz-date": "20130524T000000Z", "x-amz-content-sha256": createHash("sha256").digest("hex"),
      authorization: "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    },
  };
  const nowMs = Date.UTC(2013, 4, 24);
  const right = signatureFault(example, keys, nowMs);
  const changed = signatureFault({ ...example, path: "/other.txt", target: "/other.txt" }, keys, nowMs);
  const late = signatureFault(example, keys, nowMs + 16 * 60_000);
  return [
    ...right === null ? [] : [`the signature check refuses the documentation's example: ${right.code}`],
    ...changed?.code === "SignatureDoesNotMatch" ? [] : ["the signature check takes a request that was changed"],
    ...late?.code === "RequestTimeTooSkewed" ? [] : ["the signature check takes a request of long ago"],
  ];
}

interface Told {
  readonly status: number;
  readonly body: string;
}

type Question = Pick<Probe, "host" | "method" | "path" | "body">;

async function ask({ host, method, path, body }: Question, { port, caPem }: Place, headers: Readonly<Record<string, string>>): Promise<Told> {
  const request = httpsRequest({ host: "127.0.0.1", port, servername: host, ca: caPem, method, path, headers: { ...headers, host }, agent: false });
  request.end(body);
  const [answer] = await once(request, "response") as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

/** Node's SHA-256 in the form that the signer wants. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", typeof secret === "string" ? secret : bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {}
}

function bytesOf(secret: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(secret) ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength) : Buffer.from(secret);
}
