import * as z from "zod";
import { Secret } from "../secret.ts";
import type { KubeApi, ObjectRef } from "./kube-api.ts";
import { objectPath } from "./kube-paths.ts";
import { noAnswer } from "./kube-status.ts";
import { TYPES } from "./resource-types.ts";

/** Whoever a token was issued to. */
export interface TokenUser {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** For service accounts: `authentication.kubernetes.io/pod-name`, `…/pod-uid`, `…/node-name`. */
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type TokenVerdict =
  | { readonly isAuthentic: true; readonly user: TokenUser; readonly audiences: readonly string[] }
  | { readonly isAuthentic: false; readonly reason: string };

export interface AccessQuestion {
  readonly user: Pick<TokenUser, "username"> & Partial<TokenUser>;
  readonly resource: {
    readonly verb: string; readonly group: string; readonly resource: string; readonly subresource?: string;
    readonly namespace?: string; readonly name?: string;
  };
}

export type AccessVerdict = { readonly isAllowed: true } | { readonly isAllowed: false; readonly reason: string };

/** A projected token that somebody may show to one audience. */
export interface IssuedToken {
  readonly token: Secret;
  readonly expiresAtMs: number;
}

/** Longest token that is asked about, in characters. */
const TOKEN_LIMIT = 16_384;
const text = z.string().max(65_536);
const reviewedToken = z.object({
  status: z.object({
    authenticated: z.literal(true),
    user: z.object({
      username: text.min(1), uid: text.default(""), groups: z.array(text).max(1_000).default([]), extra: z.record(text, z.array(text).max(1_000)).default({}),
    }),
    audiences: z.array(text).min(1).max(100),
    error: z.literal("").optional(),
  }),
});
const reviewedAccess = z.object({ status: z.object({ allowed: z.literal(true), denied: z.literal(false).optional() }) });
const refusal = z.object({ status: z.object({ error: text.optional(), reason: text.optional(), evaluationError: text.optional() }) });
const reviewedSelf = z.object({ status: z.object({ userInfo: z.object({ username: text.min(1) }) }) });
const issuedToken = z.object({ status: z.object({ token: text.min(1), expirationTimestamp: z.iso.datetime() }) });

/**
 * Asks the API server whether a token is valid now, for one of the audiences; unlike a check of the signature, it notices a deleted pod.
 * Only an answer that says so in full, for an audience that was asked for, counts as authentic.
 * @throws KubeError if the question could not be asked
 */
export async function tokenReview(api: KubeApi, token: string, audiences: readonly string[], signal?: AbortSignal): Promise<TokenVerdict> {
  if (token === "" || token.length > TOKEN_LIMIT) return { isAuthentic: false, reason: "not the length of a token" };
  const answer = await api.post("/apis/authentication.k8s.io/v1/tokenreviews", {
    apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences },
  }, signal);
  const authentic = reviewedToken.safeParse(answer);
  if (!authentic.success) return { isAuthentic: false, reason: reasonOf(answer, "not authenticated") };
  const { user, audiences: accepted } = authentic.data.status;
  if (!accepted.some((audience) => audiences.includes(audience))) return { isAuthentic: false, reason: "for another audience" };
  return { isAuthentic: true, user, audiences: accepted };
}

/** Whom the API server takes this caller for. @throws KubeError if it does not say */
export async function whoAmI(api: KubeApi, signal?: AbortSignal): Promise<Pick<TokenUser, "username">> {
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const answer = await api.post(path, { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }, signal);
  const named = reviewedSelf.safeParse(answer);
  if (!named.success) throw noAnswer("Malformed", `POST ${path}`, "the answer names no user");
  return named.data.status.userInfo;
}

/** Asks the API server whether a user may do something to resources. @throws KubeError if the question could not be asked */
export async function subjectAccessReview(api: KubeApi, { user, resource }: AccessQuestion, signal?: AbortSignal): Promise<AccessVerdict> {
  const { username, ...rest } = user;
  const answer = await api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: { user: username, ...rest, resourceAttributes: resource },
  }, signal);
  return reviewedAccess.safeParse(answer).success ? { isAllowed: true } : { isAllowed: false, reason: reasonOf(answer, "no rule allows it") };
}

export interface TokenWish {
  readonly audience: string;
  /** At least 600. */
  readonly seconds: number;
  /** The token dies with it. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** Has a token issued for a service account (TokenRequest). */
export async function requestToken(api: KubeApi, account: ObjectRef, wish: TokenWish, signal?: AbortSignal): Promise<IssuedToken> {
  const path = `${objectPath(TYPES.serviceAccounts, account)}/token`;
  const bound = wish.pod === undefined ? {} : { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...wish.pod } };
  const answer = await api.post(path, {
    apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: [wish.audience], expirationSeconds: wish.seconds, ...bound },
  }, signal);
  const issued = issuedToken.safeParse(answer);
  if (!issued.success) throw noAnswer("Malformed", `POST ${path}`, "the answer is not a token");
  return { token: new Secret(issued.data.status.token), expiresAtMs: Date.parse(issued.data.status.expirationTimestamp) };
}

function reasonOf(answer: unknown, otherwise: string): string {
  const { error, reason, evaluationError } = refusal.safeParse(answer).data?.status ?? {};
  return ([error, reason, evaluationError].find((each) => each !== undefined && each !== "") ?? otherwise).slice(0, 500);
}
