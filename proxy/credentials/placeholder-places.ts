import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import { isCredentialParameter, keptParameters, plainParameterName } from "../model/credential-places.ts";
import type { OutboundHead } from "../model/request.ts";

/** Placeholders of one request or message that are replaced: clients send one or two, and each makes the request larger by a secret. */
const OCCURRENCE_LIMIT = 32;

/** What stands for what in one request or message. Nothing that is made from it is kept. */
export class Filling {
  readonly secret: Secret;
  readonly #placeholders: readonly string[];
  #left = OCCURRENCE_LIMIT;

  constructor(placeholders: readonly string[], secret: Secret) {
    this.secret = secret;
    // Longest first: one may begin as another does.
    this.#placeholders = placeholders.toSorted((one, other) => other.length - one.length);
  }

  isIn(text: string): boolean {
    return this.#placeholders.some((placeholder) => text.includes(placeholder));
  }

  /** @param by the secret as it is written here @returns null if there is no placeholder in it @throws EgressError `request.malformed` if there are too many */
  replaced(text: string, by = this.secret.reveal()): string | null {
    if (!this.isIn(text)) return null;
    return this.#placeholders.reduce((changed, placeholder) => {
      const parts = changed.split(placeholder, this.#left + 2);
      this.#left -= parts.length - 1;
      if (this.#left < 0) throw new EgressError("request.malformed", `more than ${OCCURRENCE_LIMIT} placeholders in one request`);
      return parts.join(by);
    }, text);
  }
}

type Fields = OutboundHead["headers"];
type Target = OutboundHead["target"];

const BASIC = /^(basic +)([A-Za-z0-9+/]{4,}={0,2})$/i;

/**
 * Fields with placeholders replaced, in HTTP Basic too. One without a placeholder goes where it says who is asking, and beside a filled one: it is
 * the agent's own. So does one that only CGI and its heirs take for the same (`x_api_key`).
 */
export function fillFields(headers: Fields, names: { readonly fill: ReadonlySet<string>; readonly dropUnfilled: ReadonlySet<string> }, filling: Filling): Fields {
  const mustGo = new Set(names.dropUnfilled);
  const fields = headers.filter(([name]) => names.fill.has(name) || !names.fill.has(name.replaceAll("_", "-"))).map(([name, value]): Fields[number] => {
    const filled = names.fill.has(name) && typeof value === "string" ? filling.replaced(value) ?? filledBasic(value, filling) : null;
    if (filled === null) return [name, value];
    mustGo.add(name);
    return [name, new Secret(filled)];
  });
  return fields.filter(([name, value]) => typeof value !== "string" || !names.fill.has(name) || !mustGo.has(name));
}

/** A path with placeholders replaced inside of segments: there are as many afterwards as before, and none leads elsewhere (`requireFit`). */
export function fillPath(target: Target, filling: Filling): Target {
  const [path, query] = split(target);
  const segments = path.split("/").map((segment) => {
    const filled = filling.replaced(decode(segment));
    return filled === null ? null : encode(filled);
  });
  if (segments.every((segment) => segment === null)) return target;
  const kept = path.split("/");
  return joined(segments.map((segment, index) => segment ?? kept[index]).join("/"), query);
}

/** A query with placeholders replaced in values. Parameters that say who is asking and have none go: they are the agent's own. */
export function fillQuery(target: Target, host: string, filling: Filling): Target {
  const [path, query] = split(target);
  if (query === null) return target;
  let isFilled = false;
  const kept = keptParameters(query, (pair) => !isCredentialParameter(plainParameterName(pair), host) || filling.isIn(valueIn(pair)));
  const pairs = (kept?.split("&") ?? []).map((pair) => {
    const filled = filling.replaced(valueIn(pair));
    isFilled ||= filled !== null;
    return filled === null ? pair : `${pair.slice(0, pair.indexOf("="))}=${encode(filled)}`;
  });
  const written = pairs.length === 0 ? null : pairs.join("&");
  if (isFilled || typeof target !== "string") return joined(path, written);
  return written === null ? path : `${path}?${written}`;
}

/** A JSON body with placeholders replaced byte for byte; the rest of it stays as it is written. */
export function fillJson(body: Buffer, filling: Filling): Buffer {
  const filled = filling.replaced(body.toString("latin1"), Buffer.from(inJson(filling.secret), "utf8").toString("latin1"));
  return filled === null ? body : Buffer.from(filled, "latin1");
}

/** A message with placeholders replaced; written as in a JSON string if the message is JSON by its look. */
export function fillJsonText(text: string, filling: Filling): string {
  const isJson = /^\s{0,64}[[{"]/.test(text);
  return filling.replaced(text, isJson ? inJson(filling.secret) : undefined) ?? text;
}

/** As it stands between the quotes of a JSON string (RFC 8259 §7). */
function inJson(secret: Secret): string {
  return JSON.stringify(secret.reveal()).slice(1, -1);
}

function filledBasic(value: string, filling: Filling): string | null {
  const [, scheme = "", encoded = ""] = BASIC.exec(value) ?? [];
  const filled = encoded === "" ? null : filling.replaced(Buffer.from(encoded, "base64").toString("utf8"));
  return filled === null ? null : scheme + Buffer.from(filled, "utf8").toString("base64");
}

function split(target: Target): [path: string, query: string | null] {
  const text = typeof target === "string" ? target : target.reveal();
  const mark = text.indexOf("?");
  return mark === -1 ? [text, null] : [text.slice(0, mark), text.slice(mark + 1)];
}

function joined(path: string, query: string | null): Secret {
  return new Secret(query === null ? path : `${path}?${query}`);
}

function valueIn(pair: string): string {
  const equals = pair.indexOf("=");
  return equals === -1 ? "" : decode(pair.slice(equals + 1).replaceAll("+", " "));
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
