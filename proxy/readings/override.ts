import type { RequestHead } from "../model/request.ts";
import { malformed } from "./part.ts";

/** Parameters by which servers take another method than the request's; fields that say so never leave (header-rules.ts of the exchange path). */
const METHOD_PARAMETERS = new Set(["_method", "x-http-method-override", "x-http-method", "x-method-override", "$httpmethod"]);
const MAY_NAME_ONE = /method|%/i;

/**
 * Servers that take a parameter of the query for the method do another thing than policy decides about. Read as generously as any of them reads: after `;`
 * too, as a list, and as PHP writes names.
 * @throws EgressError `request.malformed`
 */
export function refuseOverride({ method, query }: Pick<RequestHead, "method" | "query">): void {
  if (query === null || !MAY_NAME_ONE.test(query)) return;
  for (const pair of query.split(/[&;]/)) {
    const equals = pair.indexOf("=");
    const value = equals === -1 ? "" : generously(pair.slice(equals + 1)).trim().toUpperCase();
    if (METHOD_PARAMETERS.has(nameOf(equals === -1 ? pair : pair.slice(0, equals))) && value !== method) throw malformed("it asks for another method than its own");
  }
}

/** The same said in a JSON body: some frameworks take its members for parameters. @throws EgressError `request.malformed` */
export function refuseOverrideIn(body: unknown, { method }: Pick<RequestHead, "method">): void {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return;
  for (const [name, value] of Object.entries(body)) {
    const isOther = typeof value !== "string" || value.trim().toUpperCase() !== method;
    if (isOther && METHOD_PARAMETERS.has(nameOf(name))) throw malformed("its body asks for another method than its own");
  }
}

function nameOf(text: string): string {
  return (generously(text).trim().toLowerCase().split(/[[\0]/, 1)[0] ?? "").replace(/[. ]/g, "_");
}

function generously(text: string): string {
  return text.replaceAll("+", " ").replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
