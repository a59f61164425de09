import { Agent, request } from "undici";
import { openKubeApi } from "../../../common/kube/http-kube-api.ts";
import { fixedAccess } from "../../../common/kube/kube-access.ts";
import type { KubeApi } from "../../../common/kube/kube-api.ts";
import { Secret } from "../../../common/secret.ts";

/** Somebody who may speak to the API server: where it is, what it must show, and the client certificate. All PEM. */
export interface KubeIdentity {
  readonly url: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const DEADLINE_MS = 30_000;

/** The client of Weir's own programs. Close it when done. */
export function openApiAs({ url, caPem, certPem, keyPem }: KubeIdentity): KubeApi {
  return openKubeApi(fixedAccess(url, { caPem, certPem, keyPem: new Secret(keyPem) }));
}

/** One request on a connection of its own, so that a restarted server is no surprise. @param body sent as JSON, for PATCH as a merge patch */
export async function callKube(identity: KubeIdentity, method: string, path: string, body?: object): Promise<KubeAnswer> {
  const { status, text } = await raw(identity, { method, path }, body);
  return { status, body: parse(text) };
}

/** True if the API server says that it is ready. */
export async function readyz(identity: KubeIdentity): Promise<boolean> {
  return (await raw(identity, { method: "GET", path: "/readyz" })).status === 200;
}

async function raw(identity: KubeIdentity, line: { readonly method: string; readonly path: string }, body?: object): Promise<{ status: number; text: string }> {
  const dispatcher = new Agent({ connect: { ca: identity.caPem, cert: identity.certPem, key: identity.keyPem } });
  try {
    const contentType = line.method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await request(`${identity.url}${line.path}`, {
      dispatcher, method: line.method, signal: AbortSignal.timeout(DEADLINE_MS), ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": contentType } }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    await dispatcher.destroy();
  }
}

/** Logs, metrics and health are not JSON: they come as `{text}`. */
function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}
