import { writtenAs } from "../../common/json/exact-json.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { RequestHead } from "../model/request.ts";
import { readExactly, type JsonObject } from "./exact-json.ts";
import { messagesIn, requestsIn, type Messages } from "./messages.ts";
import { likelyEra } from "./request-headers.ts";

/** See `Mcp.askedBy`. Ids stay as they were written. */
export function askedBy({ headers }: RequestHead, body: Buffer): McpAsked | null {
  const messages = messagesOf(body);
  return messages.all.length === 0 ? null : { era: likelyEra(headers, messages.all), isBatch: messages.isBatch, requests: requestsIn(messages) };
}

function messagesOf(body: Buffer): Messages {
  try {
    return messagesIn(readExactly(body));
  } catch {
    return { all: [], isBatch: false, hasStrays: false };
  }
}

const [SPACE, LIST] = [0x20, 0x5b];
const NUMBER = /[-+.0-9eE]/;

/**
 * Ids of messages as they are written, noted while the body is walked over: a parser holds numbers as doubles, and an answer has to name the very id. One of
 * each message that has one, in their order; the body is JSON in which no key occurs twice in an object.
 */
export class WrittenIds {
  readonly #body: Buffer;
  readonly #written: string[] = [];
  #depth: number | null = null;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** @param end place of the key's closing quote @param depth of its object, 1 for the outermost */
  readonly note = (key: string, end: number, depth: number): void => {
    if (key !== "id") return;
    this.#depth ??= this.#body[past(this.#body, 0)] === LIST ? 2 : 1;
    if (depth === this.#depth) this.#written.push(numberAt(this.#body, past(this.#body, past(this.#body, end + 1) + 1)));
  };

  /** The messages with these ids, where a double does not hold them. @param all of the body, parsed */
  exact(all: readonly JsonObject[]): readonly JsonObject[] {
    let at = 0;
    return all.map((message) => {
      if (!Object.hasOwn(message, "id")) return message;
      at += 1;
      return { ...message, id: writtenAs(message["id"], this.#written[at - 1] ?? "") };
    });
  }
}

/** The next place without white space. */
function past(body: Buffer, start: number): number {
  let at = start;
  while (at < body.length && (body[at] ?? 0) <= SPACE) at += 1;
  return at;
}

/** Empty for what is no number. */
function numberAt(body: Buffer, start: number): string {
  let end = start;
  while (end < body.length && NUMBER.test(String.fromCharCode(body[end] ?? 0))) end += 1;
  return body.toString("latin1", start, end);
}
