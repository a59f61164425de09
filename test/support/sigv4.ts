import { createHash, createHmac } from "node:crypto";

/** A request as it arrived, and the key that it should have been signed with. */
export interface Arrived {
  readonly method: string;
  /** Path and query, as on the wire. */
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/**
 * Whether a signature is right, worked out from the wire alone as AWS describes it ("Create a signed AWS API request", IAM user guide): paths are
 * encoded once more than they arrived, but for S3, where they are decoded and encoded once.
 */
export function isSigned({ method, target, fields }: Arrived, secretAccessKey: string): boolean {
  const [, day = "", region = "", service = "", names = "", signature] = AUTHORIZATION.exec(fields["authorization"] ?? "") ?? [];
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const segments = path.split("/").map((segment) => escape(service === "s3" ? decodeURIComponent(segment) : segment));
  const pairs = query.split("&").filter((pair) => pair !== "").map((pair) => pair.split(/=(.*)/s).slice(0, 2).map((part) => escape(decodeURIComponent(part))));
  const canonical = [
    method, segments.join("/"), pairs.map(([name, value = ""]) => `${name}=${value}`).toSorted().join("&"),
    ...names.split(";").map((name) => `${name}:${(fields[name] ?? "").trim().replaceAll(/ +/g, " ")}`), "", names, fields["x-amz-content-sha256"],
  ].join("\n");
  const key = [day, region, service, "aws4_request"].reduce<Buffer>((before, part) => createHmac("sha256", before).update(part).digest(), Buffer.from(`AWS4${secretAccessKey}`));
  const toSign = ["AWS4-HMAC-SHA256", fields["x-amz-date"], `${day}/${region}/${service}/aws4_request`, createHash("sha256").update(canonical).digest("hex")].join("\n");
  return createHmac("sha256", key).update(toSign).digest("hex") === signature;
}

function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
