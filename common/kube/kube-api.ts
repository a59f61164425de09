/** The part of the Kubernetes API that Weir's programs use. `http-kube-api.ts` is the real one; unit tests may have their own. */

export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Any object of the API; callers parse `spec` and `status` by schemas of their own where the content comes from users. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface KubeList {
  readonly resourceVersion: string;
  readonly items: readonly KubeObject[];
}

export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take fields from other managers; without it a conflict is a {@link KubeError} with status 409. */
  readonly force: boolean;
  readonly subresource?: "status";
}

export interface RemoveOptions {
  /** Only this very object; with another UID under the name the answer is 409. */
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** Every call has a deadline and a limit of bytes, follows no redirect, and rejects with {@link KubeError} for whatever the API server refuses. */
export interface KubeApi {
  /** @returns null if there is none */
  get(type: ResourceType, ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | null>;
  /** Reads all pages. */
  list(type: ResourceType, query: ListQuery, signal?: AbortSignal): Promise<KubeList>;
  create(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<KubeObject>;
  /** PUT; the object's resourceVersion makes it a compare-and-swap. */
  replace(type: ResourceType, object: KubeObject, options?: { readonly subresource?: "status" }, signal?: AbortSignal): Promise<KubeObject>;
  /** Server-side apply. */
  apply(type: ResourceType, object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<KubeObject>;
  /** @returns false if there was none */
  remove(type: ResourceType, ref: ObjectRef, options?: RemoveOptions, signal?: AbortSignal): Promise<boolean>;
  /**
   * Changes after `resourceVersion`, bookmarks included. Ends by itself when the server ends it or nothing, not even a bookmark, arrives for a while.
   * @throws KubeError with status 410 if the version is too old
   */
  watch(type: ResourceType, query: ListQuery, resourceVersion: string, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Subresources and reviews: `/api/v1/namespaces/x/serviceaccounts/y/token`, TokenReview, SubjectAccessReview. Answers JSON. */
  post(path: string, body: object, signal?: AbortSignal): Promise<unknown>;
  /** GET of a path that answers JSON, such as `/openid/v1/jwks` or `/version`. */
  read(path: string, signal?: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

/** What the API server (or the way to it) answered instead of a result. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** `reason` of the Status object, e.g. `NotFound`, `AlreadyExists`, `Conflict`, `Expired`; empty if there was none. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
    this.reason = reason;
  }
}

/** A cache of the objects of one type, kept by list and watch; relists by itself after 410, a dead watch or a silent one. */
export interface Informer {
  /** Runs until the signal aborts. Never rejects: trouble is logged and retried with jittered back-off. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first list is in the cache. */
  synced(signal: AbortSignal): Promise<void>;
  get(ref: ObjectRef): KubeObject | undefined;
  list(): readonly KubeObject[];
  /** Called for each change, a relist's differences included; `null` stands for an object that is gone. Must not throw. */
  onChange(listener: (key: ObjectRef, object: KubeObject | null) => void): () => void;
  /** Monotonic milliseconds of the last sign of life from the server, for /readyz. */
  readonly lastSeenMs: number;
}
