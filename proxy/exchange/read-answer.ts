import { EgressError } from "../errors.ts";
import type { HeaderList } from "../model/request.ts";
import { FIELD_NAME, NOT_ANSWER_VALUE, isHopByHop, listMembers, mayTrail } from "./header-rules.ts";

/** An answer's head that may reach the agent. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  /** Null if the answer does not say. */
  readonly contentLength: number | null;
  readonly contentEncoding: string | null;
}

const MAX_FIELDS = 1_000;
const DIGITS = /^\d{1,16}$/;
const BODILESS = new Set([204, 205, 304]);

/**
 * Reads the final head of a destination as strictly as a request's: no status outside 200 to 599, no two lengths, no length beside chunks,
 * nothing that ends a line. Hop-by-hop fields stop here; our own `x-weir-*` names cannot be forged.
 * @param method of the request: the answer to HEAD has no body whatever it says
 * @throws EgressError `upstream.malformed`
 */
export function readAnswer(status: number, headers: HeaderList, method: string): AnswerHead {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw malformed(`status ${status}`);
  const lengths = new Set<string>();
  let isChunked = false;
  let contentEncoding: string | null = null;
  for (const [name, value] of headers) {
    if (name === "content-length") lengths.add(value);
    else if (name === "transfer-encoding") isChunked = true;
    else if (name === "content-encoding") contentEncoding = contentEncoding === null ? value : `${contentEncoding}, ${value}`;
  }
  if (lengths.size > 1 || (lengths.size === 1 && isChunked)) throw malformed("two ways of saying where the body ends");
  const [length] = lengths;
  if (length !== undefined && !(DIGITS.test(length) && Number.isSafeInteger(Number(length)))) throw malformed("not a content-length");
  const hasBody = method !== "HEAD" && !BODILESS.has(status);
  return { status, headers: passable(headers), hasBody, contentLength: length === undefined ? null : Number(length), contentEncoding };
}

/** Fields of any head (1xx, 101, final) that may pass: checked, lower case, without hop-by-hop and Connection-listed ones. */
export function passable(headers: HeaderList): HeaderList {
  if (headers.length > MAX_FIELDS) throw malformed("too many fields");
  const listed = headers.filter(([name]) => name === "connection").flatMap(([, value]) => listMembers(value));
  const passed: [string, string][] = [];
  let hasLength = false;
  for (const [name, value] of headers) {
    if (!FIELD_NAME.test(name) || NOT_ANSWER_VALUE.test(value)) throw malformed("a field that is no field");
    if (isHopByHop(name) || listed.includes(name) || name.startsWith("x-weir-") || (name === "content-length" && hasLength)) continue;
    hasLength ||= name === "content-length";
    passed.push([name, value]);
  }
  return passed;
}

/** Trailers that may pass; the others are dropped, as RFC 9110 §6.5.1 lets a recipient do. */
export function passableTrailers(trailers: HeaderList): HeaderList {
  if (trailers.length === 0) return trailers;
  return trailers.filter(([name, value]) => FIELD_NAME.test(name) && !NOT_ANSWER_VALUE.test(value) && mayTrail(name));
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}
