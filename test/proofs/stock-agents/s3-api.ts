import { createHash, randomUUID } from "node:crypto";
import { contentOf } from "./aws-chunked.ts";
import { signatureFault, type KeyPair, type SignatureFault } from "./sigv4-check.ts";
import type { Answer, Ask, Seen, StandIn } from "./stand-in.ts";

export const S3_HOST = "weir-proof-bucket.s3.eu-central-1.amazonaws.com";

const STATUS: Readonly<Record<SignatureFault["code"], number>> = {
  AccessDenied: 403, InvalidAccessKeyId: 403, SignatureDoesNotMatch: 403, RequestTimeTooSkewed: 403, AuthorizationHeaderMalformed: 400, XAmzContentSHA256Mismatch: 400, NotImplemented: 501,
};

/** One bucket of S3 under its virtual-hosted name; every request must be signed with the real pair. */
export function s3Api(keys: KeyPair): StandIn {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  return {
    hosts: [S3_HOST],
    serve: (ask, answer) => {
      const authorization = String(ask.headers.authorization ?? "");
      // A careless service: it says the secret that it checks signatures with.
      answer.setHeader("x-key-seen", keys.secretAccessKey);
      const credential = authorization.includes(`Credential=${keys.accessKeyId}/`) ? "real" : authorization === "" ? "none" : "other";
      const fault = signatureFault(ask, keys, Date.now());
      if (fault !== null) {
        sendXml(answer, STATUS[fault.code], `<Error><Code>${fault.code}</Code><Message>${fault.message}</Message><RequestId>${randomUUID()}</RequestId></Error>`);
        return { credential, fault: `${fault.code}: ${fault.message}`, step: "" };
      }
      const content = contentOf(ask);
      if (content === null) {
        sendXml(answer, 400, "<Error><Code>BadDigest</Code><Message>The checksum you specified did not match what we received.</Message></Error>");
        return { credential, fault: "BadDigest", step: "" };
      }
      const step = operate({ ask, answer, content, objects, uploads });
      if (step === null) sendXml(answer, 404, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>");
      return { credential, fault: step === null ? "NoSuchKey" : null, step: step ?? "" } satisfies Omit<Seen, "host" | "method" | "path">;
    },
  };
}

interface Operation {
  readonly ask: Ask;
  readonly answer: Answer;
  /** The body, out of its chunks. */
  readonly content: Buffer;
  readonly objects: Map<string, Buffer>;
  readonly uploads: Map<string, Map<number, Buffer>>;
}

/** @returns the operation's name, or null if what it is about does not exist */
function operate(operation: Operation): string | null {
  const { ask, answer, content, objects } = operation;
  const key = decodeURIComponent(ask.path.slice(1));
  const { query } = ask;
  if (query.has("uploads") || query.has("uploadId")) return operateOnUpload(operation, key);
  if (ask.method === "PUT") {
    objects.set(key, content);
    answer.writeHead(200, { etag: etag(content), "content-length": "0" }).end();
    return "put";
  }
  if (ask.method === "GET" && query.get("list-type") === "2") {
    const found = [...objects].filter(([name]) => name.startsWith(query.get("prefix") ?? ""));
    const contents = found.map(([name, body]) => `<Contents><Key>${encodeURIComponent(name).replaceAll("%2F", "/")}</Key><Size>${body.length}</Size></Contents>`).join("");
    sendXml(answer, 200, `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><KeyCount>${found.length}</KeyCount>${contents}</ListBucketResult>`);
    return "list";
  }
  const object = objects.get(key);
  if (object === undefined) return null;
  if (ask.method === "DELETE") {
    objects.delete(key);
    answer.writeHead(204).end();
    return "delete";
  }
  answer.writeHead(200, { etag: etag(object), "content-length": String(object.length), "content-type": "binary/octet-stream" });
  answer.end(ask.method === "HEAD" ? "" : object);
  return ask.method === "HEAD" ? "head" : "get";
}

/** Multipart upload: begin, each part, end. */
function operateOnUpload({ ask, answer, content, objects, uploads }: Operation, key: string): string | null {
  if (ask.query.has("uploads")) {
    const id = randomUUID();
    uploads.set(id, new Map());
    sendXml(answer, 200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    return "begin upload";
  }
  const parts = uploads.get(ask.query.get("uploadId") ?? "");
  if (parts === undefined) return null;
  if (ask.method === "PUT") {
    parts.set(Number(ask.query.get("partNumber")), content);
    answer.writeHead(200, { etag: etag(content), "content-length": "0" }).end();
    return "part";
  }
  const whole = Buffer.concat([...parts].sort(([one], [other]) => one - other).map(([, part]) => part));
  objects.set(key, whole);
  sendXml(answer, 200, `<CompleteMultipartUploadResult><ETag>${etag(whole)}</ETag></CompleteMultipartUploadResult>`);
  return "end upload";
}

function etag(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

function sendXml(answer: Answer, status: number, xml: string): void {
  answer.writeHead(status, { "content-type": "application/xml" }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
}
