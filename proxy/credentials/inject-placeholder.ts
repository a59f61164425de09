import type { Secret } from "../../common/secret.ts";
import type { Finish, TextRewrite, Unfinished } from "../model/loan.ts";
import type { OutboundHead } from "../model/request.ts";
import { AUTH_HEADERS } from "./auth-headers.ts";
import { fieldText } from "./header-text.ts";
import type { InjectChoice } from "./injection-config.ts";
import type { Injection, InjectionContext } from "./injection.ts";
import { fillFields, fillJson, fillJsonText, fillPath, fillQuery, Filling } from "./placeholder-places.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** Segments of a path that no server reads as two, as a step up or as nothing. */
const SAFE_SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~:@!$&'()*+,=-]+$/;
const JSON_TYPE = /^application\/(?:json|[a-z0-9.+-]{1,100}\+json)\s*(?:;|$)/i;

/**
 * Replaces placeholders in what the agent sends, in the chosen places and nowhere else. For clients that put a key where no other way of injection
 * reaches. Whoever can make a destination keep what it is sent can have the secret kept there: so it is opt-in, and its binding should be narrow.
 * @throws SourceError `malformed` if the secret cannot stand in one of the places, or there is nothing to replace
 */
export function injectPlaceholder(inject: InjectChoice<"placeholder">, material: Material, { dummies }: InjectionContext): Injection {
  const secret = valueOf(material, "value");
  const placeholders = inject.placeholder === undefined ? dummies : [inject.placeholder];
  if (placeholders.length === 0) throw new SourceError("malformed", "the grant names no placeholder and sets no dummy that could be one");
  requireFit(inject, secret);
  const newFilling = (): Filling => new Filling(placeholders, secret);
  return {
    keep: inject.headers, judgesQuery: inject.in.includes("query"),
    finish: new PlaceholderFinish(inject, newFilling), secrets: [secret],
    ...(inject.in.includes("websocket") ? { webSocketText: rewrite(inject, newFilling) } : {}),
  };
}

function requireFit(inject: InjectChoice<"placeholder">, secret: Secret): void {
  const text = inject.in.includes("header") ? fieldText(secret) : secret.reveal();
  if (text === "") throw new SourceError("malformed", "the secret is empty");
  if (inject.in.includes("path") && !SAFE_SEGMENT.test(text)) throw new SourceError("malformed", "the secret could change where a path leads");
  if (inject.in.includes("query") && /[\x00-\x1f\x7f]/.test(text)) throw new SourceError("malformed", "the secret has a control character in it");
}

class PlaceholderFinish implements Finish {
  readonly order = "place";
  readonly #inject: InjectChoice<"placeholder">;
  readonly #newFilling: () => Filling;
  /** Known auth headers that are not replaced as a whole: without a placeholder in them they go, as they do with every other grant. */
  readonly #auth: ReadonlySet<string>;

  constructor(inject: InjectChoice<"placeholder">, newFilling: () => Filling) {
    this.#inject = inject;
    this.#newFilling = newFilling;
    this.#auth = new Set(AUTH_HEADERS.filter((name) => inject.headers.includes(name)));
  }

  bodyLimitBytes(head: OutboundHead): number | null {
    return this.#inject.in.includes("json") && isJson(head) ? this.#inject.bodyLimitBytes : null;
  }

  async apply({ head, body }: Unfinished): Promise<Unfinished> {
    const { in: places, headers } = this.#inject;
    const filling = this.#newFilling();
    let { target } = head;
    if (places.includes("path")) target = fillPath(target, filling);
    if (places.includes("query")) target = fillQuery(target, head.host, filling);
    return {
      head: { ...head, target, headers: headers.length === 0 ? head.headers : fillFields(head.headers, { fill: new Set(headers), dropUnfilled: this.#auth }, filling) },
      body: body !== null && places.includes("json") && isJson(head) ? fillJson(body, filling) : body,
    };
  }
}

function rewrite({ messageLimitBytes }: InjectChoice<"placeholder">, newFilling: () => Filling): TextRewrite {
  return { messageLimitBytes, apply: (text) => fillJsonText(text, newFilling()) };
}

function isJson({ headers }: OutboundHead): boolean {
  const type = headers.find(([name]) => name === "content-type")?.[1];
  const isEncoded = headers.some(([name]) => name === "content-encoding");
  return typeof type === "string" && JSON_TYPE.test(type) && !isEncoded;
}
