import { parseJsonText } from "../../../common/json/parse-json.ts";

/** A JSON object as parsed; nothing is known of its members. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns null if the text is no JSON object */
export function parseObject(text: string): JsonObject | null {
  try {
    const value = parseJsonText(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** A member, as an object; an empty one if it is none. */
export function objectAt(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isObject(value) ? value : {};
}

/** A member's objects, if it is an array; else none. */
export function objectsAt(object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A member, if it is a string; else an empty one. */
export function textAt(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** A member, if it is a whole number that is not negative; else 0. */
export function indexAt(object: JsonObject, name: string): number {
  const value = object[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** True if an object in it has one name twice: two readers may understand it in two ways. @param json valid JSON */
export function hasRepeatedNames(json: string): boolean {
  const seen: Set<string>[] = [];
  let isRepeated = false;
  eachMember(json, ({ name, depth }) => {
    const names = seen[depth] ??= new Set();
    isRepeated ||= names.has(name);
    names.add(name);
  }, (depth) => seen[depth]?.clear());
  return isRepeated;
}

/** The same text without one member of the outermost object; all else stays as it is written. @param json a valid JSON object */
export function withoutMember(json: string, name: string): string {
  let found: Member | null = null;
  eachMember(json, (member) => { if (member.depth === 1 && member.name === name) found ??= member; }, () => undefined);
  if (found === null) return json;
  const { start, end }: Member = found;
  const [before, after] = [json.slice(0, start), json.slice(end)];
  const isFirst = !/,\s*$/.test(before);
  return isFirst ? before + after.replace(/^,\s*/, "") : before.replace(/,\s*$/, "") + after;
}

interface Member {
  readonly name: string;
  /** 1 in the outermost object. */
  readonly depth: number;
  /** From the name's quote to what follows the value. */
  readonly start: number;
  readonly end: number;
}

interface Container {
  readonly isObject: boolean;
  name: string;
  nameStart: number;
}

/** Visits each member when it ends, and each container when it ends. Strings are leapt over, so that long texts cost little. */
function eachMember(json: string, visit: (member: Member) => void, onClose: (depth: number) => void): void {
  const open: Container[] = [];
  const closeMember = (end: number) => {
    const container = open.at(-1);
    if (container === undefined || container.nameStart === -1) return;
    visit({ name: container.name, depth: open.length, start: container.nameStart, end });
    container.nameStart = -1;
  };
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === "\"") {
      const end = endOfString(json, at);
      const container = open.at(-1);
      if (container?.isObject === true && container.nameStart === -1) Object.assign(container, { nameStart: at, name: nameOf(json.slice(at, end)) });
      at = end - 1;
    } else if (character === "{" || character === "[") open.push({ isObject: character === "{", name: "", nameStart: -1 });
    else if (character === ",") closeMember(at);
    else if (character === "}" || character === "]") {
      closeMember(at);
      onClose(open.length);
      open.pop();
    }
  }
}

function nameOf(literal: string): string {
  return literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
}

/** @param start of the opening quote @returns what follows the closing one */
function endOfString(json: string, start: number): number {
  let end = json.indexOf("\"", start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf("\"", end + 1);
  return end === -1 ? json.length : end + 1;
}

function isEscaped(json: string, at: number): boolean {
  let slashes = 0;
  while (json[at - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
}
