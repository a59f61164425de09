import * as z from "zod";
import { KubeError, type KubeApi, type KubeObject } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { Secret } from "../../../common/secret.ts";
import { singleValue, SourceError, type Material, type SecretSource, type SourceFault } from "../secret-source.ts";

const label = (limit: number) => z.string().min(1).max(limit).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be a name of Kubernetes");

export const kubernetesSecretReference = z.strictObject({
  type: z.literal("kubernetes-secret"),
  namespace: label(63).describe("Namespace of the Secret."),
  name: label(253).describe("Name of the Secret. The node proxies must have been given the right to read this one (`proxy.secrets` of the chart)."),
  key: z.string().max(253).regex(/^[A-Za-z0-9._-]+$/, "must be a key of a Secret").describe("Key inside the Secret."),
});
export type KubernetesSecretReference = z.output<typeof kubernetesSecretReference>;

/** Base64 as the API server writes it; of what a secret may be at most (64 KiB). */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const VALUE_LIMIT_BYTES = 64 * 1_024;

const secretSchema = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1) }),
  data: z.record(z.string(), z.string()).default({}),
});

/** One key of a Secret, by the node proxy's own right to read it. Asked for by name: the right is for this name alone, and does not allow to watch. */
export class KubernetesSecretSource implements SecretSource {
  readonly describe: string;
  readonly scope = "shared";
  readonly #reference: KubernetesSecretReference;
  readonly #api: Pick<KubeApi, "get">;

  constructor(reference: KubernetesSecretReference, api: Pick<KubeApi, "get">) {
    this.#reference = reference;
    this.#api = api;
    this.describe = `kubernetes-secret:${reference.namespace}/${reference.name}`;
  }

  async fetch(signal: AbortSignal): Promise<Material> {
    const { key } = this.#reference;
    const object = await this.#get(signal);
    if (object === null) throw new SourceError("missing", `${this.describe} does not exist`);
    const parsed = secretSchema.safeParse(object);
    if (!parsed.success) throw new SourceError("malformed", `${this.describe} is not a Secret`);
    const { data, metadata } = parsed.data;
    const encoded = Object.hasOwn(data, key) ? data[key] : undefined;
    if (encoded === undefined) throw new SourceError("missing", `${this.describe} has no key ${key}`);
    return singleValue(new Secret(this.#decode(encoded)), metadata.resourceVersion.replaceAll(/[^\w-]/g, "").slice(0, 64));
  }

  isCurrent(): boolean {
    return true;
  }

  async #get(signal: AbortSignal): Promise<KubeObject | null> {
    const { namespace, name } = this.#reference;
    try {
      return await this.#api.get(TYPES.secrets, { namespace, name }, signal);
    } catch (error) {
      throw error instanceof KubeError ? new SourceError(faultOf(error), `${this.describe}: the API server answered ${error.status || "nothing"}`)
        : new SourceError("unreachable", `${this.describe} cannot be read`);
    }
  }

  #decode(encoded: string): string {
    if (encoded.length > VALUE_LIMIT_BYTES * 4 / 3 + 4) throw new SourceError("oversized", `${this.describe} is larger than ${VALUE_LIMIT_BYTES} bytes`);
    const text = BASE64.test(encoded) ? utf8(Buffer.from(encoded, "base64")) : null;
    const value = text?.replace(/\r?\n$/, "") ?? "";
    if (value === "") throw new SourceError("malformed", `${this.describe} has no text in key ${this.#reference.key}`);
    return value;
  }
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function faultOf({ status, reason }: KubeError): SourceFault {
  if (status === 401 || status === 403) return "forbidden";
  if (status === 429) return "rate-limited";
  if (status >= 500) return "down";
  if (reason === "Timeout") return "slow";
  if (reason === "Untrusted") return "untrusted";
  return status === 0 ? "unreachable" : "malformed";
}
