import { CLASS_IN, HEADER_BYTES, QUERY_LIMIT_BYTES, RCODE, TYPE, type Rcode } from "./wire.ts";

/** Length octets, labels and root together (RFC 1035 §2.3.4); 253 characters as text. */
const NAME_LIMIT_BYTES = 255;

/** Bits of the second header word (RFC 1035 §4.1.1, RFC 4035 §3). */
const FLAG = { response: 0x8000, opcode: 0x7800, truncated: 0x0200, recursionDesired: 0x0100, zero: 0x0040, checkingDisabled: 0x0010, rcode: 0x000f } as const;

export interface Query {
  readonly id: number;
  /** RD and CD as asked: an answer repeats them. */
  readonly repeatedFlags: number;
  /** The question as it came, letter case included: an answer repeats it byte for byte. */
  readonly question: Buffer;
  /** Lower case, no trailing dot; letters, digits, hyphens and underscores only. */
  readonly name: string;
  readonly type: number;
  /** True if the query carries EDNS (RFC 6891): only then may the answer. */
  readonly hasEdns: boolean;
}

/** Why a message is not a query that we answer. `rcode` null: nothing is sent back, as any answer could start a loop. */
export interface Malformed {
  readonly kind: "malformed";
  readonly id: number;
  readonly repeatedFlags: number;
  readonly question: Buffer | null;
  readonly rcode: Rcode | null;
  readonly detail: string;
}

export type Parsed = { readonly kind: "query"; readonly query: Query } | Malformed;

/**
 * in: the bytes of one DNS message · out: Parsed · ends early with: name.malformed · next: decide-name.ts
 *
 * Reads raw bytes and accepts one shape only, before any codec sees them: a codec that turns labels into text may read a dot inside a label
 * as two labels, and policy would judge another name than the one asked for. Nothing is looked up in a table that the message could steer:
 * no compression, one question, no records but one OPT.
 */
export function parseQuery(message: Buffer): Parsed {
  const reader = new QueryReader(message);
  try {
    return { kind: "query", query: reader.read() };
  } catch (error) {
    if (error instanceof Unacceptable) return reader.malformed(error);
    throw error;
  }
}

class Unacceptable extends Error {
  readonly rcode: Rcode | null;

  constructor(rcode: Rcode | null, detail: string) {
    super(detail);
    this.rcode = rcode;
  }
}

class QueryReader {
  readonly #message: Buffer;
  #offset = HEADER_BYTES;
  #question: Buffer | null = null;

  constructor(message: Buffer) {
    this.#message = message;
  }

  read(): Query {
    this.#readHeader();
    const { name, type } = this.#readQuestion();
    const hasEdns = this.#message.readUInt16BE(10) === 1;
    if (hasEdns) this.#readOpt();
    if (this.#offset !== this.#message.length) throw new Unacceptable(RCODE.formErr, "bytes after the message");
    if (type === TYPE.any || type === TYPE.axfr || type === TYPE.ixfr) throw new Unacceptable(RCODE.refused, "a type that asks for everything");
    return { id: this.#message.readUInt16BE(0), repeatedFlags: this.#repeatedFlags(), question: this.#question ?? Buffer.alloc(0), name, type, hasEdns };
  }

  malformed({ rcode, message: detail }: Unacceptable): Malformed {
    const isReadable = this.#message.length >= HEADER_BYTES;
    return {
      kind: "malformed", rcode, detail, question: this.#question,
      id: isReadable ? this.#message.readUInt16BE(0) : 0, repeatedFlags: isReadable ? this.#repeatedFlags() : 0,
    };
  }

  #repeatedFlags(): number {
    return this.#message.readUInt16BE(2) & (FLAG.recursionDesired | FLAG.checkingDisabled);
  }

  #readHeader(): void {
    const message = this.#message;
    if (message.length < HEADER_BYTES) throw new Unacceptable(null, "shorter than a header");
    const flags = message.readUInt16BE(2);
    if ((flags & FLAG.response) !== 0) throw new Unacceptable(null, "an answer, not a query");
    if ((flags & FLAG.opcode) !== 0) throw new Unacceptable(RCODE.notImp, "another operation than a query");
    if (message.length > QUERY_LIMIT_BYTES) throw new Unacceptable(RCODE.formErr, "longer than a query may be");
    if ((flags & (FLAG.truncated | FLAG.zero | FLAG.rcode)) !== 0) throw new Unacceptable(RCODE.formErr, "flags that no query has");
    const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
    if (questions !== 1) throw new Unacceptable(RCODE.formErr, "not exactly one question");
    if (answers !== 0 || authorities !== 0) throw new Unacceptable(RCODE.formErr, "records in a query");
    if (additionals === undefined || additionals > 1) throw new Unacceptable(RCODE.formErr, "more than one additional record");
  }

  #readQuestion(): { name: string; type: number } {
    const start = this.#offset;
    const labels = this.#readLabels(start);
    const type = this.#take16("the question's type");
    const isInternet = this.#take16("the question's class") === CLASS_IN;
    this.#question = this.#message.subarray(start, this.#offset);
    if (!isInternet) throw new Unacceptable(RCODE.refused, "another class than IN");
    if (labels.length === 0) throw new Unacceptable(RCODE.refused, "the root is no destination");
    if (!labels.every(isPlainLabel)) throw new Unacceptable(RCODE.refused, "bytes in a label that no host name has");
    return { name: labels.map((label) => label.toString("latin1").toLowerCase()).join("."), type };
  }

  #readLabels(start: number): Buffer[] {
    const labels: Buffer[] = [];
    for (;;) {
      const length = this.#take8("a label's length");
      if (length === 0) return labels;
      if (length > 63) throw new Unacceptable(RCODE.formErr, "a compressed or reserved label in the question");
      labels.push(this.#takeBytes(length, "a label"));
      if (this.#offset + 1 - start > NAME_LIMIT_BYTES) throw new Unacceptable(RCODE.formErr, "a name longer than 255 bytes");
    }
  }

  /** RFC 6891 §6.1: root name, type OPT, sizes that agree; options are skipped, the client subnet (RFC 7871) too: none goes anywhere. */
  #readOpt(): void {
    if (this.#take8("the additional record's name") !== 0) throw new Unacceptable(RCODE.formErr, "an OPT record with a name");
    if (this.#take16("the additional record's type") !== TYPE.opt) throw new Unacceptable(RCODE.formErr, "another additional record than OPT");
    this.#take16("the payload size");
    this.#take8("the extended code");
    const version = this.#take8("the version");
    this.#take16("the flags");
    const end = this.#take16("the options' length") + this.#offset;
    if (end > this.#message.length) throw new Unacceptable(RCODE.formErr, "options longer than the message");
    while (this.#offset < end) {
      this.#take16("an option's code");
      this.#takeBytes(this.#take16("an option's length"), "an option");
    }
    if (this.#offset !== end) throw new Unacceptable(RCODE.formErr, "options that overrun their length");
    if (version !== 0) throw new Unacceptable(RCODE.badVers, "another EDNS version than 0");
  }

  #take8(what: string): number {
    return this.#takeBytes(1, what).readUInt8();
  }

  #take16(what: string): number {
    return this.#takeBytes(2, what).readUInt16BE();
  }

  #takeBytes(count: number, what: string): Buffer {
    const end = this.#offset + count;
    if (end > this.#message.length) throw new Unacceptable(RCODE.formErr, `the message ends inside ${what}`);
    const bytes = this.#message.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}

/** Letters, digits, underscore, inner hyphens: what a label of a host or service name may have (RFC 1123 §2.1, RFC 8552). */
function isPlainLabel(label: Buffer): boolean {
  const isHyphen = (byte: number | undefined): boolean => byte === 0x2d;
  if (isHyphen(label[0]) || isHyphen(label.at(-1))) return false;
  return label.every((byte) => (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39) || isHyphen(byte) || byte === 0x5f);
}
