import { EgressError } from "../errors.ts";
import type { HeaderList, OutboundHead } from "../model/request.ts";
import type { Secret } from "../../common/secret.ts";
import { passable, passableTrailers, readAnswer } from "./read-answer.ts";
import type { AnswerHead } from "./read-answer.ts";
import { Scrubber } from "./scrub.ts";
import { readWebSocketAnswer } from "./web-socket-handshake.ts";

const NOTHING = Buffer.alloc(0);

/** What of a destination's answer may reach the agent: checked heads, scrubbed bytes. Every method throws EgressError `upstream.*`. */
export class AnswerFilter {
  readonly #outbound: OutboundHead;
  readonly #maxInformational: number;
  /** Null when nothing was lent: then bytes pass untouched. */
  readonly scrubber: Scrubber | null;
  #informational = 0;
  #head: AnswerHead | null = null;

  constructor(outbound: OutboundHead, secrets: readonly Secret[], maxInformational: number) {
    this.#outbound = outbound;
    this.#maxInformational = maxInformational;
    this.scrubber = secrets.length === 0 ? null : new Scrubber(secrets);
  }

  /** True once the final head was seen. */
  get isBegun(): boolean {
    return this.#head !== null;
  }

  informational(status: number, headers: HeaderList): HeaderList {
    if (status === 101) throw malformed("101 to a request that asked for no upgrade");
    this.#informational += 1;
    if (this.#informational > this.#maxInformational) throw malformed("too many 1xx answers");
    return this.#scrubbed(passable(headers));
  }

  head(status: number, headers: HeaderList): AnswerHead {
    const head = readAnswer(status, headers, this.#outbound.method);
    this.#requireSearchable(head);
    this.#head = { ...head, headers: this.#scrubbed(head.headers) };
    return this.#head;
  }

  upgrade(headers: HeaderList): HeaderList {
    return this.#scrubbed(readWebSocketAnswer(headers, this.#outbound));
  }

  /** @returns what may pass now; perhaps nothing yet */
  data(chunk: Buffer): Buffer {
    if (this.#head?.hasBody !== true) throw malformed("a body where none may be");
    return this.scrubber === null ? chunk : this.scrubber.push(chunk);
  }

  /** @param bytes of the body that arrived @returns what was held back */
  end(bytes: number): Buffer {
    const { hasBody = false, contentLength = null } = this.#head ?? {};
    if (hasBody && contentLength !== null && contentLength !== bytes) {
      throw new EgressError("upstream.aborted", `${bytes} of ${contentLength} bytes`);
    }
    return this.scrubber?.flush() ?? NOTHING;
  }

  trailers(trailers: HeaderList): HeaderList {
    return this.#scrubbed(passableTrailers(trailers));
  }

  #scrubbed(headers: HeaderList): HeaderList {
    const { scrubber } = this;
    if (scrubber === null) return headers;
    return headers.filter(([name]) => !scrubber.isIn(name)).map(([name, value]) => [name, scrubber.text(value)] as const);
  }

  /** A compressed answer cannot be searched for the lent secret, and none was asked for. */
  #requireSearchable(head: AnswerHead): void {
    if (this.scrubber === null || !head.hasBody || head.contentEncoding === null || head.contentEncoding.toLowerCase() === "identity") return;
    throw malformed(`an answer in ${head.contentEncoding.slice(0, 40)} although only identity was asked for`);
  }
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}
