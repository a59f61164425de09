import createClient, { type Client } from "openapi-fetch";
import { Agent, fetch, Request } from "undici";
import { followThread, type FollowOptions, type ThreadEvent } from "./follow-thread.ts";
import type { paths } from "./paths.ts";

export type { FollowOptions, ThreadEvent } from "./follow-thread.ts";
export type * from "./objects.ts";
export { dataOf, WeirProblem } from "./problem.ts";

const CONNECT_TIMEOUT_MS = 10_000;

export interface WeirClientOptions {
  /** Of the controller's API, such as `https://weir-controller.weir-system:8443`. */
  readonly url: string;
  /** Bearer token, or how to get one: asked for each request, so that one that is about to expire can be replaced. */
  readonly token: string | (() => string | Promise<string>);
  /** PEM of the roots that vouch for the API's certificate; default the system's. */
  readonly ca?: string;
  /** Name that the API's certificate must bear, where it is not the one in the URL, as through a forwarded port. */
  readonly serverName?: string;
}

/** The API of threads, typed. Every connection belongs to one client; whoever makes it closes it. */
export interface WeirClient {
  /** One method for each of HTTP, `api.GET("/v1/namespaces/{namespace}/threads", { params })`, which resolves to `{ data, error, response }`. */
  readonly api: Client<paths>;
  /** What happens to a thread, from its first message or after one; connects again by itself and misses no message. @throws WeirProblem if it may not */
  follow(thread: { readonly namespace: string; readonly name: string }, options?: FollowOptions): AsyncGenerator<ThreadEvent, void>;
  close(): Promise<void>;
}

export function createWeirClient({ url, token, ca, serverName }: WeirClientOptions): WeirClient {
  const trust = { ...(ca === undefined ? {} : { ca }), ...(serverName === undefined ? {} : { servername: serverName }) };
  const dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...trust } });
  const authorization = async () => `Bearer ${typeof token === "string" ? token : await token()}`;
  // The package's own fetch and Request belong together; their types and the runtime's differ in name only.
  const ownFetch = async (request: Request): Promise<Response> => {
    request.headers.set("authorization", await authorization());
    return fetch(request, { dispatcher, redirect: "error" });
  };
  const api = createClient<paths>({ baseUrl: url.replace(/\/$/, ""), fetch: ownFetch as unknown as typeof globalThis.fetch, Request: Request as unknown as typeof globalThis.Request });
  return {
    api,
    follow: (thread, options = {}) => followThread({ url: url.replace(/\/$/, ""), dispatcher, authorization }, thread, options),
    close: async () => dispatcher.destroy(),
  };
}
