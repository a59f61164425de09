import { isDeepStrictEqual } from "node:util";
import { GROUP } from "../../common/labels.ts";
import type { ApplyOptions, KubeObject, ResourceType } from "../../common/kube/kube-api.ts";
import type { Condition } from "./meta.ts";

/** A condition before it is known when it became so. */
export type Claim = Pick<Condition, "type" | "status" | "reason" | "message">;

const MESSAGE_LIMIT = 1_024;

export const claim = {
  isSo: (type: string, reason: string, message = ""): Claim => ({ type, status: "True", reason, message }),
  isNotSo: (type: string, reason: string, message: string): Claim => ({ type, status: "False", reason, message: message.slice(0, MESSAGE_LIMIT) }),
  isUnknown: (type: string, reason: string, message: string): Claim => ({ type, status: "Unknown", reason, message: message.slice(0, MESSAGE_LIMIT) }),
};

/** What a claim is made about: the spec of this generation, at this time. */
export interface Observed {
  readonly generation: number | undefined;
  readonly nowMs: number;
}

/**
 * Turns claims into conditions, in the order of the claims. `lastTransitionTime` is kept for as long as the status is the same, whatever becomes
 * of reason and message (as metav1.Condition has it).
 */
export function toConditions(before: readonly Condition[] | undefined, claims: readonly Claim[], observed: Observed): Condition[] {
  return claims.map((made) => {
    const known = before?.find(({ type }) => type === made.type);
    const lastTransitionTime = known?.status === made.status ? known.lastTransitionTime : secondOf(observed.nowMs);
    return { ...made, ...(observed.generation === undefined ? {} : { observedGeneration: observed.generation }), lastTransitionTime };
  });
}

/** RFC 3339 without fractions, as the API server writes times. */
function secondOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** `Ready`, the positive summary: the first claim that is not so is the reason; then the first that is unknown. */
export function summarize(claims: readonly Claim[]): Claim {
  const hindrance = claims.find(({ status }) => status === "False") ?? claims.find(({ status }) => status === "Unknown");
  if (hindrance === undefined) return claim.isSo("Ready", "Ready");
  return { ...hindrance, type: "Ready" };
}

export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((known) => known.type === type && known.status === "True") === true;

/** A server-side apply to `/status`. */
export interface StatusApplication {
  readonly object: KubeObject;
  readonly options: ApplyOptions;
}

/**
 * The apply that makes `fields` the part of the status that `owner` writes. Each writer of one object's status needs an `owner` of its own: an
 * apply takes away what the same manager wrote before and does not write again.
 */
export function statusApplication(type: ResourceType, target: KubeObject, write: { readonly owner: string; readonly fields: object }): StatusApplication {
  const { name, namespace } = target.metadata;
  return {
    object: {
      apiVersion: `${type.group === "" ? GROUP : type.group}/${type.version}`, kind: type.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, status: write.fields,
    },
    options: { fieldManager: `weir-controller-${write.owner}`, force: true, subresource: "status" },
  };
}

/** True if the object's status already says all of `fields`; of conditions, others than those in `fields` may be there. */
export function saysAlready(target: KubeObject, fields: Readonly<Record<string, unknown>>): boolean {
  const status = target["status"];
  if (typeof status !== "object" || status === null) return false;
  const said = status as Readonly<Record<string, unknown>>;
  return Object.entries(fields).every(([key, value]) => (key === "conditions" ? conditionsSaid(said[key], value) : isDeepStrictEqual(said[key], value)));
}

function conditionsSaid(said: unknown, wanted: unknown): boolean {
  if (!Array.isArray(said) || !Array.isArray(wanted)) return false;
  return wanted.every((one: unknown) => said.some((other: unknown) => isDeepStrictEqual(other, one)));
}
