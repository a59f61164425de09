import { addressToBytes } from "../../common/address-bytes.ts";
import { CLASS_IN, HEADER_BYTES, OPTION_EXTENDED_ERROR, RCODE, TYPE, type Rcode } from "./wire.ts";

/** Every answer fits a datagram of the oldest clients (RFC 1035 §4.2.1), so that none is ever truncated. */
const ANSWER_LIMIT_BYTES = 512;
/** What we say we could receive (RFC 6891 §6.2.5); queries are far smaller. */
const OUR_PAYLOAD_BYTES = 1_232;
const FLAG_RESPONSE = 0x8000;
const FLAG_RECURSION_AVAILABLE = 0x0080;
/** A pointer to the question's name (RFC 1035 §4.1.4), which is what keeps answers small. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
const EXTENDED_TEXT_LIMIT_BYTES = 120;

export interface Answer {
  readonly id: number;
  readonly repeatedFlags: number;
  /** Null where the question could not be read. */
  readonly question: Buffer | null;
  readonly hasEdns: boolean;
  readonly rcode: Rcode;
  /** The address that stands for the name; null: the name has no such record. */
  readonly address: string | null;
  readonly ttlSeconds: number;
  readonly extendedError: { readonly code: number; readonly text: string } | null;
}

/** One DNS message of at most 512 bytes, written by hand because general codecs repeat the name in the answer and would not fit. */
export function encodeAnswer(answer: Answer): Buffer {
  const isEmpty = answer.rcode === RCODE.nxDomain || (answer.rcode === RCODE.noError && answer.address === null);
  const parts = [
    encodeHeader(answer, isEmpty),
    answer.question ?? Buffer.alloc(0),
    ...(answer.address === null ? [] : [encodeAddress(answer.address, answer.ttlSeconds)]),
    ...(isEmpty ? [encodeAuthority(answer.ttlSeconds)] : []),
    ...(answer.hasEdns ? [encodeOpt(answer)] : []),
  ];
  const message = Buffer.concat(parts);
  if (message.length > ANSWER_LIMIT_BYTES) throw new RangeError(`a DNS answer of ${message.length} bytes`);
  return message;
}

function encodeHeader(answer: Answer, isEmpty: boolean): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(answer.id, 0);
  header.writeUInt16BE(FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | answer.repeatedFlags | (answer.rcode & 0xf), 2);
  header.writeUInt16BE(answer.question === null ? 0 : 1, 4);
  header.writeUInt16BE(answer.address === null ? 0 : 1, 6);
  header.writeUInt16BE(isEmpty ? 1 : 0, 8);
  header.writeUInt16BE(answer.hasEdns ? 1 : 0, 10);
  return header;
}

function encodeAddress(address: string, ttlSeconds: number): Buffer {
  const data = addressToBytes(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(POINTER_TO_QUESTION, 0);
  fixed.writeUInt16BE(data.length === 4 ? TYPE.a : TYPE.aaaa, 2);
  fixed.writeUInt16BE(CLASS_IN, 4);
  fixed.writeUInt32BE(ttlSeconds, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

/** The SOA record that lets a client remember an empty answer (RFC 2308 §5). Its owner is the root, so that any name is below it. */
function encodeAuthority(ttlSeconds: number): Buffer {
  const record = Buffer.alloc(33);
  record.writeUInt16BE(TYPE.soa, 1);
  record.writeUInt16BE(CLASS_IN, 3);
  record.writeUInt32BE(ttlSeconds, 5);
  record.writeUInt16BE(22, 9);
  // Primary server and mailbox are the root too; serial, refresh, retry, expire; the last number is the time to remember.
  [1, 3_600, 600, 86_400, ttlSeconds].forEach((value, index) => record.writeUInt32BE(value, 13 + 4 * index));
  return record;
}

function encodeOpt({ rcode, extendedError }: Answer): Buffer {
  const option = extendedError === null ? Buffer.alloc(0) : encodeExtendedError(extendedError.code, extendedError.text);
  const fixed = Buffer.alloc(11);
  fixed.writeUInt16BE(TYPE.opt, 1);
  fixed.writeUInt16BE(OUR_PAYLOAD_BYTES, 3);
  fixed.writeUInt8(rcode >> 4, 5);
  fixed.writeUInt16BE(option.length, 9);
  return Buffer.concat([fixed, option]);
}

/** RFC 8914 §2. */
function encodeExtendedError(code: number, text: string): Buffer {
  const bytes = new TextEncoder().encodeInto(text, new Uint8Array(EXTENDED_TEXT_LIMIT_BYTES));
  const words = Buffer.from(text.slice(0, bytes.read), "utf8");
  const option = Buffer.alloc(6);
  option.writeUInt16BE(OPTION_EXTENDED_ERROR, 0);
  option.writeUInt16BE(2 + words.length, 2);
  option.writeUInt16BE(code, 4);
  return Buffer.concat([option, words]);
}
