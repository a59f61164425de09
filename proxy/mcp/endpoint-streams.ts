import type { RequestHead } from "../model/request.ts";

/** Sends bytes to the agent between two events. @returns false, and sends nothing, where the agent does not read what it has */
export type Tell = (bytes: Buffer) => boolean;

/** A session without end must not fill this; the oldest streams are forgotten, and refusals then come as answers. */
const STREAMS_LIMIT = 1_000;

/**
 * Open event streams of HTTP with SSE (MCP 2024-11-05, "HTTP with SSE"), by the endpoint that each of them named: what an agent posts there is answered in
 * the stream. Of one instance each: nobody is told what another asked.
 */
export class EndpointStreams {
  readonly #byEndpoint = new Map<string, Tell>();

  /** @param endpoint as the server named it, relative to the stream or not @returns what forgets it; null for one of another origin */
  add(instance: string, stream: RequestHead, endpoint: string, tell: Tell): (() => void) | null {
    const url = URL.parse(endpoint, originOf(stream) + stream.path);
    if (url === null || url.origin !== new URL(originOf(stream)).origin) return null;
    const key = keyOf(instance, url);
    this.#byEndpoint.set(key, tell);
    const [oldest] = this.#byEndpoint.keys();
    if (this.#byEndpoint.size > STREAMS_LIMIT && oldest !== undefined) this.#byEndpoint.delete(oldest);
    return () => { if (this.#byEndpoint.get(key) === tell) this.#byEndpoint.delete(key); };
  }

  /** @returns null where the answer to this request is its own */
  of(instance: string, request: RequestHead): Tell | null {
    if (this.#byEndpoint.size === 0) return null;
    const url = URL.parse(request.query === null ? request.path : `${request.path}?${request.query}`, originOf(request));
    return url === null ? null : this.#byEndpoint.get(keyOf(instance, url)) ?? null;
  }
}

function originOf({ scheme, host, port }: RequestHead): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function keyOf(instance: string, { origin, pathname, search }: URL): string {
  return `${instance} ${origin}${pathname}${search}`;
}
