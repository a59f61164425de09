import { EgressError } from "../errors.ts";
import type { Loan } from "../model/loan.ts";
import type { HeaderList, OutboundHead } from "../model/request.ts";
import { codingsOf } from "./answer-decoder.ts";
import { passable, passableTrailers, readAnswer } from "./read-answer.ts";
import type { AnswerHead } from "./read-answer.ts";
import { Redactions } from "./redactions.ts";
import { Scrubber, scrubText } from "./scrub.ts";
import { readWebSocketAnswer } from "./web-socket-handshake.ts";

/** They speak of the body as it was before it was decoded, byte for byte. */
const OF_ENCODED_BODY = new Set(["content-encoding", "content-length", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"]);

const JSON_TYPE = /^\s*[\w.+/-]*json\s*(;|$)/i;

interface FilterOptions {
  readonly maxInformational: number;
  /** The answer of a model is read; a stream may gain or lose events. */
  readonly metered: "stream" | "whole" | null;
  /** Told by whose secret an answer began, more than by chance, and was none. */
  readonly onProbe: (reference: string) => void;
}

/** What of a destination's answer may reach the agent: checked heads, scrubbed. Every method throws EgressError `upstream.*`. */
export class AnswerFilter {
  readonly #outbound: OutboundHead;
  readonly #loan: Loan;
  readonly #maxInformational: number;
  readonly #metered: FilterOptions["metered"];
  readonly #onProbe: (secret: number) => void;
  readonly redactions: Redactions;
  #informational = 0;
  #head: AnswerHead | null = null;
  #isFiltered = false;

  constructor(outbound: OutboundHead, loan: Loan, { maxInformational, metered, onProbe }: FilterOptions) {
    this.#outbound = outbound;
    this.#loan = loan;
    this.#maxInformational = maxInformational;
    this.#metered = metered;
    this.redactions = new Redactions(loan);
    this.#onProbe = (secret) => { onProbe(loan.references[loan.owners[secret] ?? 0] ?? ""); };
  }

  /** True once the final head was seen. */
  get isBegun(): boolean {
    return this.#head !== null;
  }

  /** For one stream of bytes of the answer; null when nothing was lent: then bytes pass untouched. */
  scrubber(place: "body" | "frame"): Scrubber | null {
    return this.#isLent ? new Scrubber(this.#loan.secrets, this.redactions.at(place), this.#onProbe) : null;
  }

  /** What the body must be decoded from before it can be searched or counted, outermost last. */
  get codings(): readonly string[] {
    return (this.#isLent || this.#metered !== null || this.#isFiltered) && this.#head?.hasBody === true ? codingsOf(this.#head.contentEncoding) : [];
  }

  informational(status: number, headers: HeaderList): HeaderList {
    if (status === 101) throw malformed("101 to a request that asked for no upgrade");
    this.#informational += 1;
    if (this.#informational > this.#maxInformational) throw malformed("too many 1xx answers");
    return this.#scrubbed(passable(headers), "header");
  }

  /** @param isFiltered true if the body may lose parts */
  head(status: number, headers: HeaderList, isFiltered: boolean): AnswerHead {
    this.#isFiltered = isFiltered;
    this.#head = readAnswer(status, headers, this.#outbound.method);
    const isChanged = this.codings.length > 0 || (this.#head.hasBody && (isFiltered || this.#mayHaveEvents(this.#head.headers)));
    return { ...this.#head, headers: this.#scrubbed(isChanged ? headersOfDecoded(this.#head.headers) : this.#head.headers, "header") };
  }

  upgrade(headers: HeaderList): HeaderList {
    return this.#scrubbed(readWebSocketAnswer(headers, this.#outbound), "header");
  }

  requireBody(): void {
    if (this.#head?.hasBody !== true) throw malformed("a body where none may be");
  }

  /** @param bytes of the body that arrived */
  requireWhole(bytes: number): void {
    const { hasBody = false, contentLength = null } = this.#head ?? {};
    if (hasBody && contentLength !== null && contentLength !== bytes) {
      throw new EgressError("upstream.aborted", `${bytes} of ${contentLength} bytes`);
    }
  }

  trailers(trailers: HeaderList): HeaderList {
    return this.#scrubbed(passableTrailers(trailers), "trailer");
  }

  get #isLent(): boolean {
    return this.#loan.secrets.length > 0;
  }

  /** JSON that answers no request for a stream is in one piece, and passes as it came; of anything else only its bytes can say. */
  #mayHaveEvents(headers: HeaderList): boolean {
    const type = headers.find(([name]) => name === "content-type")?.[1] ?? "";
    return this.#metered === "stream" || (this.#metered === "whole" && !JSON_TYPE.test(type));
  }

  /** A name cannot be masked, so that a field whose name shows a secret goes. */
  #scrubbed(headers: HeaderList, place: "header" | "trailer"): HeaderList {
    if (!this.#isLent) return headers;
    const { secrets } = this.#loan;
    const onFind = this.redactions.at(place);
    return headers.filter(([name]) => scrubText(name, secrets, onFind, this.#onProbe) === name).map(([name, value]) => [name, scrubText(value, secrets, onFind, this.#onProbe)] as const);
  }
}

/** An entity tag becomes a weak one: what it stands for is the same, its bytes are not (RFC 9110 §8.8.1). */
function headersOfDecoded(headers: HeaderList): HeaderList {
  return headers.flatMap(([name, value]) => {
    if (name === "etag") return [[name, value.startsWith("W/") ? value : `W/${value}`] as const];
    return OF_ENCODED_BODY.has(name) ? [] : [[name, value] as const];
  });
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}
