import type { Readable } from "node:stream";
import type { ResourceType, WatchEvent } from "./kube-api.ts";
import { readObject } from "./kube-objects.ts";
import { connectionError, kubeErrorOf, noAnswer } from "./kube-status.ts";

/** Largest event, in bytes: etcd takes objects of 1.5 MiB, which JSON writes longer. */
const LINE_LIMIT_BYTES = 8 << 20;
const NEWLINE = 0x0a;

/**
 * Reads a watch: one JSON object a line. Closes the body when it ends, however it ends.
 * @param silentMs the watch counts as dead when not a byte arrives for so long, in milliseconds; the server sends a bookmark every minute or so
 * @throws KubeError the status that an ERROR event carries (410: too old); 0 `Silent`, `Oversized`, `Malformed`, `Unreachable` (the connection broke)
 */
export async function* readWatch(body: Readable, type: ResourceType, silentMs: number): AsyncGenerator<WatchEvent> {
  const what = `watch of ${type.plural}`;
  const silence = setTimeout(() => { body.destroy(noAnswer("Silent", what, `not a byte for ${silentMs} ms`)); }, silentMs);
  try {
    for await (const line of lines(body, what, () => silence.refresh())) yield readEvent(line, type, what);
  } catch (error) {
    throw connectionError(error, what);
  } finally {
    clearTimeout(silence);
    body.destroy();
  }
}

async function* lines(body: Readable, what: string, onBytes: () => void): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    onBytes();
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      begun.push(chunk.subarray(from, end));
      from = end + 1;
      yield Buffer.concat(begun).toString("utf8");
      begun = [];
      bytes = 0;
    }
    if (from < chunk.byteLength) begun.push(chunk.subarray(from));
    bytes += chunk.byteLength - from;
    if (bytes > LINE_LIMIT_BYTES) throw noAnswer("Oversized", what, `an event is larger than ${LINE_LIMIT_BYTES} bytes`);
  }
  if (bytes > 0) throw noAnswer("Unreachable", what, "ended within an event");
}

function readEvent(line: string, type: ResourceType, what: string): WatchEvent {
  const event = parse(line, what);
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event.type, object: readObject(event.object, type, what) };
    case "BOOKMARK":
      return { type: "BOOKMARK", resourceVersion: bookmarkOf(event.object, what) };
    case "ERROR":
      throw kubeErrorOf(0, event.object, what);
    default:
      throw noAnswer("Malformed", what, "an event of a type that does not exist");
  }
}

function parse(line: string, what: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event === "object" && event !== null) return event;
  } catch {
    // Told below, without the text, which may be a secret's.
  }
  throw noAnswer("Malformed", what, "an event that is not a JSON object");
}

function bookmarkOf(object: unknown, what: string): string {
  const version = (object as { readonly metadata?: { readonly resourceVersion?: unknown } } | null | undefined)?.metadata?.resourceVersion;
  if (typeof version !== "string" || version === "") throw noAnswer("Malformed", what, "a bookmark without a version");
  return version;
}
