import { EgressError } from "../errors.ts";
import type { HeaderList } from "../model/request.ts";

const MEDIA_TYPE = /^([\w.+-]+\/[\w.+-]+)((?:\s*;\s*[\w.+-]+=(?:[\w.+:/-]+|"[^"\\]*"))*)\s*;?$/;
const CHARSET = /;\s*charset="?([^";\s]*)"?/gi;

/**
 * The media type of a body, in lower case, without its parameters.
 * @returns null where there is none, it is not well-formed, or the text is in another alphabet than UTF-8
 * @throws EgressError `request.malformed` for two of them
 */
export function mediaType(headers: HeaderList): string | null {
  const [first, second] = headers.filter(([name]) => name === "content-type").map(([, value]) => value.trim());
  if (second !== undefined) throw new EgressError("request.malformed", "two content types");
  const [, type, parameters] = MEDIA_TYPE.exec(first ?? "") ?? [];
  if (type === undefined || parameters === undefined) return null;
  const charsets = [...parameters.matchAll(CHARSET)].map(([, name]) => name?.toLowerCase());
  return charsets.every((name) => name === "utf-8" || name === "utf8") ? type.toLowerCase() : null;
}

/** True for JSON and what is written in it (`application/problem+json`, RFC 6839). */
export function isJson(type: string | null): boolean {
  return type !== null && (type === "text/json" || /^application\/(?:[\w.-]+\+)?json$/.test(type));
}
