import { RegoSet, type RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { ofTexts } from "./operands.ts";
import { sprintf } from "./sprintf.ts";

export const TEXT_BUILTINS: Readonly<Record<string, Builtin>> = {
  sprintf: Object.assign((...[format, values]: RegoValue[]) => sprintf(format, values), { isWritten: true } as const),
  "glob.quote_meta": ofTexts((text) => text.replace(/[*?\\[\]{}]/g, "\\$&")),
  "strings.count": ofTexts((text, part) => (part === "" ? Array.from(text).length + 1 : text.split(part).length - 1)),
  "strings.any_prefix_match": (texts, prefixes) => anyMatch(texts, prefixes, (text, prefix) => text.startsWith(prefix)),
  "strings.any_suffix_match": (texts, suffixes) => anyMatch(texts, suffixes, (text, suffix) => text.endsWith(suffix)),
  indexof_n: ofTexts((text, part) => placesOf(text, part)),
};

function anyMatch(texts: RegoValue | undefined, parts: RegoValue | undefined, matches: (text: string, part: string) => boolean): boolean | undefined {
  const [ours, theirs] = [oneOrMore(texts), oneOrMore(parts)];
  return ours === null || theirs === null ? undefined : ours.some((text) => theirs.some((part) => matches(text, part)));
}

function oneOrMore(value: RegoValue | undefined): readonly string[] | null {
  if (typeof value === "string") return [value];
  const members: readonly RegoValue[] | null = value instanceof RegoSet ? value.members : (Array.isArray(value) ? value as readonly RegoValue[] : null);
  return members !== null && members.every((member) => typeof member === "string") ? members : null;
}

/** Where the part begins, counted in characters; places may overlap. */
function placesOf(text: string, part: string): readonly number[] | undefined {
  if (part === "") return undefined;
  const places: number[] = [];
  let [characters, counted] = [0, 0];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    for (; counted < at; counted += (text.codePointAt(counted) ?? 0) > 0xffff ? 2 : 1) characters += 1;
    places.push(characters);
  }
  return places;
}
