import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { EgressError } from "../../../../proxy/errors.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { aHead } from "../../../support/credentials.ts";
import { aLoan, aMaterial, finished, onTheWire } from "../../../support/injections.ts";
import { isSigned } from "../../../support/sigv4.ts";

/** The example keys, times and signatures of AWS ("Signature calculations for the Authorization header", Amazon S3 API reference). */
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const KEYS = aMaterial({ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: SECRET });
const EMPTY = createHash("sha256").digest("hex");
const NOW_MS = Date.UTC(2013, 4, 24);
const INJECT = { type: "aws-sigv4", regions: ["us-east-1", "eu-west-1"], services: ["s3", "dynamodb", "lambda"], bodyLimitBytes: 2_048 };

interface Ask extends Partial<RequestHead> {
  readonly service?: string;
  readonly region?: string;
  readonly signed?: string;
  readonly authorization?: string;
}

function loan(material = KEYS) {
  return aLoan([[INJECT, material]], { dummies: [], nowMs: () => NOW_MS });
}

function asked({ service = "s3", region = "us-east-1", signed = "host;x-amz-content-sha256;x-amz-date", authorization, ...over }: Ask): RequestHead {
  const dummy = `AWS4-HMAC-SHA256 Credential=AKIAWEIRDUMMY2345678/20130524/${region}/${service}/aws4_request, SignedHeaders=${signed}, Signature=${"0".repeat(64)}`;
  const path = over.path ?? "/test.txt";
  return aHead({
    host: "examplebucket.s3.amazonaws.com", ...over, path, segments: path.slice(1).split("/"),
    headers: [["authorization", authorization ?? dummy], ["x-amz-date", "20130524T000000Z"], ...(over.headers ?? [["x-amz-content-sha256", EMPTY]])],
  });
}

async function sign(ask: Ask, body: Buffer | null = null, material = KEYS) {
  const head = asked(ask);
  const { target, fields } = onTheWire((await finished(head, loan(material), body)).head);
  const length = head.framing.kind === "length" ? { "content-length": String(head.framing.bytes) } : {};
  return { method: head.method, target, fields: { ...fields, ...length, host: head.host + (head.port === 443 ? "" : `:${head.port}`) } as Record<string, string> };
}

const signatureOf = async (ask: Ask) => (await sign(ask)).fields["authorization"]?.split("Signature=")[1];
const refusal = async (ask: Ask, body: Buffer | null = null) => sign(ask, body).then(() => null, (error: unknown) => error as EgressError);

describe("a request that is signed again", () => {
  test.each<[string, Ask, string]>([
    ["an object, in part", { headers: [["range", "bytes=0-9"], ["x-amz-content-sha256", EMPTY]], signed: "host;range;x-amz-content-sha256;x-amz-date" }, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"],
    ["a life cycle", { path: "/", query: "lifecycle" }, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["a list", { path: "/", query: "max-keys=2&prefix=J" }, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("has the signature that AWS has for its own example: %s", async (_what, ask, signature) => {
    expect(await signatureOf(ask)).toBe(signature);
  });

  test.each<[string, Ask]>([
    ["a key with every kind of character", { path: "/a%20b/c+d/(e)/f%25g/%C3%A4/h=i@j" }],
    ["a query with several values and escapes", { path: "/", query: "x=2&x=1&list-type=2&prefix=a%2Fb%20c&delimiter=%2F&empty=&flag" }],
    ["another port", { port: 8443 }],
    ["fields of the agent's own", { headers: [["x-amz-content-sha256", EMPTY], ["x-amz-meta-name", "  two   spaces "], ["content-type", "text/plain"], ["x-unsigned", "1"]], signed: "content-type;host;x-amz-content-sha256;x-amz-date" }],
    ["a body that streams by unsigned", { method: "PUT", framing: { kind: "chunked" }, headers: [["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]] }],
    ["chunks with a checksum at the end, as the AWS CLI and SDKs send them", {
      method: "PUT", framing: { kind: "length", bytes: 53 }, signed: "content-length;host;x-amz-content-sha256;x-amz-date;x-amz-trailer",
      headers: [["x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"], ["content-encoding", "aws-chunked"], ["x-amz-trailer", "x-amz-checksum-crc32"], ["x-amz-decoded-content-length", "5"]],
    }],
    ["another region and service", { service: "lambda", region: "eu-west-1", host: "lambda.eu-west-1.amazonaws.com", path: "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations", headers: [] }],
  ])("is right as the destination works it out: %s", async (_what, ask) => {
    expect(isSigned(await sign(ask), SECRET)).toBe(true);
    expect(isSigned(await sign(ask), `${SECRET}x`)).toBe(false);
  });

  test("signs what is sent: the agent's accept-encoding is not what leaves", async () => {
    const sent = await sign({ headers: [["x-amz-content-sha256", EMPTY], ["accept-encoding", "gzip"]], signed: "accept-encoding;host;x-amz-content-sha256;x-amz-date" });
    expect([sent.fields["accept-encoding"], isSigned(sent, SECRET)]).toEqual(["identity", true]);
  });

  test("covers each field of Amazon's own, also one that the agent left unsigned", async () => {
    const { fields } = await sign({ headers: [["x-amz-content-sha256", EMPTY], ["x-amz-acl", "private"]], signed: "host;x-amz-date" });
    expect(fields["authorization"]).toContain("SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date,");
  });

  test("shows the session token of the boundary, never the agent's", async () => {
    const temporary = aMaterial({ accessKeyId: "ASIAREAL", secretAccessKey: SECRET, sessionToken: "real-token/+=" });
    const headers: [string, string][] = [["x-amz-content-sha256", EMPTY], ["x-amz-security-token", "dummy-token"]];
    const sent = await sign({ headers, signed: "host;x-amz-content-sha256;x-amz-date;x-amz-security-token" }, null, temporary);
    expect([sent.fields["x-amz-security-token"], isSigned(sent, SECRET)]).toEqual(["real-token/+=", true]);
    expect((await sign({ headers })).fields["x-amz-security-token"]).toBeUndefined();
  });

  test.each([["20130524T000459Z", "20130524T000459Z"], ["20130524T000501Z", "20130524T000000Z"], ["20130523T235459Z", "20130524T000000Z"], ["not a date", "20130524T000000Z"]])("keeps the agent's time of %s, or takes ours: %s", async (theirs, expected) => {
    const head = { ...asked({}), headers: asked({}).headers.map(([name, value]) => [name, name === "x-amz-date" ? theirs : value] as const) };
    const { fields } = onTheWire((await finished(head, loan())).head);
    expect(fields["x-amz-date"]).toBe(expected);
    expect(isSigned({ method: "GET", target: head.path, fields: { ...fields, host: head.host } }, SECRET)).toBe(true);
  });
});

describe("a body of a service that wants it signed", () => {
  const dynamodb: Ask = { service: "dynamodb", host: "dynamodb.us-east-1.amazonaws.com", path: "/", method: "POST", framing: { kind: "length", bytes: 2 }, headers: [["content-type", "application/x-amz-json-1.0"]] };

  test("is held back up to the limit of the grant, and is what is signed", async () => {
    const [touch] = loan().finish;
    expect(touch?.bodyLimitBytes((await finished(asked(dynamodb), { ...loan(), finish: [] })).head)).toBe(2_048);
    const sent = await sign(dynamodb, Buffer.from("{}"));
    expect([sent.fields["x-amz-content-sha256"], isSigned(sent, SECRET)]).toEqual([createHash("sha256").update("{}").digest("hex"), true]);
  });

  test("is signed for what it is, whatever hash the agent declares", async () => {
    const sent = await sign({ ...dynamodb, headers: [["x-amz-content-sha256", EMPTY]] }, Buffer.from("{}"));
    expect(sent.fields["x-amz-content-sha256"]).toBe(createHash("sha256").update("{}").digest("hex"));
  });

  test("is not held back for S3, which checks the agent's own hash", async () => {
    const head = asked({ method: "PUT", framing: { kind: "length", bytes: 9 }, headers: [["x-amz-content-sha256", "a".repeat(64)]] });
    expect(loan().finish[0]?.bodyLimitBytes((await finished(head, { ...loan(), finish: [] })).head)).toBeNull();
    expect((await sign({ method: "PUT", framing: { kind: "length", bytes: 9 }, headers: [["x-amz-content-sha256", "a".repeat(64)]] })).fields["x-amz-content-sha256"]).toBe("a".repeat(64));
  });

  test("for S3 goes unsigned if the agent declares something that is no hash", async () => {
    const sent = await sign({ method: "PUT", framing: { kind: "chunked" }, headers: [["x-amz-content-sha256", "whatever"]] });
    expect([sent.fields["x-amz-content-sha256"], isSigned(sent, SECRET)]).toEqual(["UNSIGNED-PAYLOAD", true]);
  });
});

describe("nothing is signed", () => {
  test.each<[string, string, Ask]>([
    ["for another region", "aws-sigv4.scope", { region: "ap-south-1" }],
    ["for another service", "aws-sigv4.scope", { service: "iam" }],
    ["that is not signed", "aws-sigv4.unsigned", { authorization: "" }],
    ["that is signed in another way", "aws-sigv4.unsigned", { authorization: "AWS AKIA:sig" }],
    ["that hides a second signature", "aws-sigv4.unsigned", { authorization: "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00, Credential=B/20130524/us-east-1/iam/aws4_request" }],
    ["that is presigned", "aws-sigv4.presigned", { query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00" }],
    ["that is presigned, in another case", "aws-sigv4.presigned", { query: "a=1&x-amz-signature=00" }],
    ["with SigV4A", "aws-sigv4.sigv4a", { authorization: "AWS4-ECDSA-P256-SHA256 Credential=AKIA/20130524/s3/aws4_request, SignedHeaders=host, Signature=00" }],
    ["whose chunks are signed", "aws-sigv4.streaming", { method: "PUT", framing: { kind: "chunked" }, headers: [["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]] }],
    ["whose chunks and trailer are signed", "aws-sigv4.streaming", { method: "PUT", framing: { kind: "chunked" }, headers: [["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"]] }],
    ["in chunks, but for S3", "aws-sigv4.streaming", { service: "dynamodb", method: "PUT", framing: { kind: "chunked" }, headers: [["x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]] }],
    ["that asks S3 for a session", "aws-sigv4.issues-keys", { path: "/", query: "session" }],
    ["that asks S3 for a session, in another way of writing", "aws-sigv4.issues-keys", { path: "/", query: "x-id=CreateSession&s%65ssion=" }],
    ["that asks for what an access grant gives", "aws-sigv4.issues-keys", { path: "/v20180820/accessgrantsinstance/dataaccess", query: "target=x" }],
    ["that copies an object from elsewhere", "aws-sigv4.copies", { method: "PUT", headers: [["x-amz-content-sha256", EMPTY], ["x-amz-copy-source", "/other-bucket/object"]] }],
    ["that renames one", "aws-sigv4.copies", { method: "PUT", query: "renameObject", headers: [["x-amz-content-sha256", EMPTY], ["x-amz-rename-source", "/object"]] }],
  ])("%s: rule %s, with a hint", async (_what, rule, ask) => {
    const error = await refusal(ask);
    expect([error?.code, error?.explanation?.rule]).toEqual(["credential.misdirected", rule]);
    expect(error?.explanation?.hint).toMatch(/^[A-Z].{20,}/);
  });

  test("that copies an object, but where its grant allows it", async () => {
    const head = asked({ method: "PUT", headers: [["x-amz-content-sha256", EMPTY], ["x-amz-copy-source", "/other-bucket/object"]] });
    const allowing = aLoan([[{ ...INJECT, copiesObjects: true }, KEYS]], { dummies: [], nowMs: () => NOW_MS });
    expect(onTheWire((await finished(head, allowing)).head).fields["authorization"]).toContain("x-amz-copy-source");
  });

  test("but a session is looked for: what is named like one passes", async () => {
    expect(await refusal({ path: "/session%3Fsession", query: "sessions=1&prefix=session" })).toBeNull();
  });

  test("with an escape in the query that AWS would read otherwise", async () => {
    expect(await refusal({ query: "a=%E4" })).toMatchObject({ code: "request.malformed" });
  });

  test("in linear time, whatever stands in Authorization (R09)", async () => {
    const startedMs = performance.now();
    for (const piece of [" ", ",", "Credential=", "a;", "0", "/"]) await refusal({ authorization: `AWS4-HMAC-SHA256 ${piece.repeat(20_000)}` });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
