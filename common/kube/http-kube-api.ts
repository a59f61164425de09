import { systemClock, type Clock } from "../clock.ts";
import type { ApplyOptions, KubeApi, KubeList, KubeObject, ListQuery, ObjectRef, RemoveOptions, ResourceType, WatchEvent } from "./kube-api.ts";
import { KubeError } from "./kube-api.ts";
import type { KubeAccess } from "./kube-access.ts";
import { KubeConnection, type Impersonation } from "./kube-connection.ts";
import { apiVersionOf, readObject, readPage } from "./kube-objects.ts";
import { collectionPath, homePath, objectPath, selectors, withParameters, type Parameters } from "./kube-paths.ts";
import { noAnswer } from "./kube-status.ts";
import { readWatch } from "./watch-stream.ts";

/** Objects that one page of a list asks for. */
const PAGE_OBJECTS = 500;
/** Most pages of one list: a hundred thousand objects. */
const PAGES_LIMIT = 200;
const LIST_LIMIT_BYTES = 64 << 20;
const OBJECT_LIMIT_BYTES = 8 << 20;
/** The server ends a watch after this long, in seconds, and up to half of it more, so that not all of them are renewed together. */
const WATCH_SECONDS = 240;
/** The server's bookmarks come every minute or so. */
const SILENT_MS = 90_000;

export interface KubeApiOptions {
  /** Deadline of a call that reads, of each page of a list, and of a watch's head. Default 30 s. */
  readonly readTimeoutMs?: number;
  /** Deadline of a call that writes: the request is not completed after it, and the server is told to give up after as long. Default 10 s. */
  readonly writeTimeoutMs?: number;
  /** A watch on which nothing at all arrives for so long is dead. Default 90 s; the server's bookmarks come every minute or so. */
  readonly silentMs?: number;
  readonly impersonate?: Impersonation;
  readonly clock?: Clock;
}

/** The API of a real cluster. @param access {@link inClusterAccess}, {@link accessFromKubeconfig}, {@link fixedAccess} or {@link tokenFileAccess} */
export function openKubeApi(access: KubeAccess, options: KubeApiOptions = {}): KubeApi {
  return new HttpKubeApi(new KubeConnection(access, options.clock ?? systemClock, options.impersonate), options);
}

class HttpKubeApi implements KubeApi {
  readonly #connection: KubeConnection;
  readonly #readTimeoutMs: number;
  readonly #writeTimeoutMs: number;
  readonly #silentMs: number;

  constructor(connection: KubeConnection, options: KubeApiOptions) {
    this.#connection = connection;
    this.#readTimeoutMs = options.readTimeoutMs ?? 30_000;
    this.#writeTimeoutMs = options.writeTimeoutMs ?? 10_000;
    this.#silentMs = options.silentMs ?? SILENT_MS;
  }

  async get(type: ResourceType, ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | null> {
    const path = objectPath(type, ref);
    const found = await this.#read(path, OBJECT_LIMIT_BYTES, signal).catch(nullIfMissing);
    return found === null ? null : readObject(found, type, path);
  }

  async list(type: ResourceType, query: ListQuery, signal?: AbortSignal): Promise<KubeList> {
    const path = collectionPath(type, query.namespace);
    const items: KubeObject[] = [];
    let next = "";
    for (let page = 0; page < PAGES_LIMIT; page += 1) {
      const asked = withParameters(path, { ...selectors(query), limit: PAGE_OBJECTS, continue: next === "" ? undefined : next });
      const read = readPage(await this.#read(asked, LIST_LIMIT_BYTES, signal), type, path);
      for (const item of read.items) items.push(item);
      if (read.next === "") return { resourceVersion: read.resourceVersion, items };
      next = read.next;
    }
    throw noAnswer("Oversized", `GET ${path}`, `more than ${PAGES_LIMIT} pages`);
  }

  async create(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
    return this.#write("POST", homePath(type, object.metadata.namespace), { type, object }, signal);
  }

  async replace(type: ResourceType, object: KubeObject, options: { readonly subresource?: "status" } = {}, signal?: AbortSignal): Promise<KubeObject> {
    return this.#write("PUT", objectPath(type, object.metadata, options.subresource), { type, object }, signal);
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<KubeObject> {
    const path = withParameters(objectPath(type, object.metadata, options.subresource), { fieldManager: options.fieldManager, force: options.force });
    return this.#write("PATCH", path, { type, object }, signal);
  }

  async remove(type: ResourceType, ref: ObjectRef, options: RemoveOptions = {}, signal?: AbortSignal): Promise<boolean> {
    const body = JSON.stringify({
      apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: options.gracePeriodSeconds, propagationPolicy: options.propagation,
      ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
    });
    const answer = await this.#connection.call({
      method: "DELETE", path: this.#timed(objectPath(type, ref)), body: { type: "application/json", text: body },
      timeoutMs: this.#writeTimeoutMs, limitBytes: OBJECT_LIMIT_BYTES,
    }, signal).catch(nullIfMissing);
    return answer !== null;
  }

  async *watch(type: ResourceType, query: ListQuery, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    if (resourceVersion === "") throw new KubeError(400, "BadRequest", "a watch needs the version that it goes on from");
    const parameters: Parameters = {
      ...selectors(query), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds: Math.round(WATCH_SECONDS * (1 + Math.random() / 2)),
    };
    const path = withParameters(collectionPath(type, query.namespace), parameters);
    const body = await this.#connection.open(path, this.#readTimeoutMs, signal);
    try {
      yield* readWatch(body, type, this.#silentMs);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  async post(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
    return this.#connection.call({
      method: "POST", path: this.#timed(path), body: { type: "application/json", text: JSON.stringify(body) },
      timeoutMs: this.#writeTimeoutMs, limitBytes: OBJECT_LIMIT_BYTES,
    }, signal);
  }

  async read(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#read(path, OBJECT_LIMIT_BYTES, signal);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #read(path: string, limitBytes: number, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#connection.call({ method: "GET", path, timeoutMs: this.#readTimeoutMs, limitBytes }, signal);
  }

  async #write(method: "POST" | "PUT" | "PATCH", path: string, what: { type: ResourceType; object: KubeObject }, signal?: AbortSignal): Promise<KubeObject> {
    const { type, object } = what;
    // Server-side apply takes YAML, of which JSON is a part.
    const contentType = method === "PATCH" ? "application/apply-patch+yaml" : "application/json";
    const text = JSON.stringify({ apiVersion: apiVersionOf(type), kind: type.kind, ...object });
    const answer = await this.#connection.call({
      method, path: this.#timed(path), body: { type: contentType, text }, timeoutMs: this.#writeTimeoutMs, limitBytes: OBJECT_LIMIT_BYTES,
    }, signal);
    return readObject(answer, type, path);
  }

  /** What is late at the server must not be done later, when the caller has long given up. */
  #timed(path: string): string {
    return withParameters(path, { timeout: `${this.#writeTimeoutMs}ms` });
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof KubeError && error.status === 404) return null;
  throw error;
}
