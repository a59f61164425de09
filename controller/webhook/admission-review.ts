import * as z from "zod";

/**
 * What the API server asks (admission.k8s.io/v1). Fields that we do not read may be of any kind: a newer API server sends more of them, and a
 * refusal to read them would be a refusal of every pod.
 */
const review = z.object({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.object({
    uid: z.string().min(1).max(128),
    kind: z.object({ group: z.literal(""), version: z.literal("v1"), kind: z.literal("Pod") }),
    resource: z.object({ group: z.literal(""), version: z.literal("v1"), resource: z.literal("pods") }),
    subResource: z.literal("").optional(),
    operation: z.literal("CREATE"),
    namespace: z.string().min(1).max(63),
    userInfo: z.object({ username: z.string().max(1_024).default("") }),
    object: z.record(z.string(), z.unknown()),
  }),
});
export type AdmissionRequest = z.output<typeof review>["request"];

/** @throws ZodError for anything but a pod that is being created */
export function readReview(body: unknown): AdmissionRequest {
  return review.parse(body).request;
}

/** What comes of a request. A refusal's message is shown to whoever created the pod. */
export type Verdict =
  | { readonly kind: "injected"; readonly patch: readonly object[]; readonly warnings: readonly string[] }
  /** The pod is as it would become. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly message: string }
  /** It could not be found out; nothing is allowed for that. */
  | { readonly kind: "failed"; readonly message: string };

/** Limits of the API server for each warning and for all of one answer; it cuts without a word. */
const WARNING_LIMIT = 250;
const WARNINGS_LIMIT = 16;

export function writeAnswer(uid: string, verdict: Verdict): object {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, ...responseOf(verdict) } };
}

function responseOf(verdict: Verdict): object {
  switch (verdict.kind) {
    case "injected": {
      const patch = Buffer.from(JSON.stringify(verdict.patch)).toString("base64");
      const warnings = verdict.warnings.slice(0, WARNINGS_LIMIT).map((text) => text.slice(0, WARNING_LIMIT));
      return { allowed: true, patchType: "JSONPatch", patch, ...(warnings.length === 0 ? {} : { warnings }) };
    }
    case "unchanged": return { allowed: true };
    case "refused": return { allowed: false, status: { code: 403, reason: "Forbidden", message: verdict.message } };
    case "failed": return { allowed: false, status: { code: 503, reason: "ServiceUnavailable", message: verdict.message } };
    default: return verdict satisfies never;
  }
}
