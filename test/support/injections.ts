import { Secret } from "../../common/secret.ts";
import { injectionConfig } from "../../proxy/credentials/injection-config.ts";
import type { InjectionContext } from "../../proxy/credentials/injection.ts";
import { makeInjection } from "../../proxy/credentials/injectors.ts";
import { mergeInjections } from "../../proxy/credentials/merge-injections.ts";
import type { Material, ValueName } from "../../proxy/credentials/secret-source.ts";
import { toOutbound } from "../../proxy/exchange/inject.ts";
import type { Loan, Unfinished } from "../../proxy/model/loan.ts";
import type { OutboundHead, RequestHead } from "../../proxy/model/request.ts";
import { sentHeaders } from "./exchange.ts";

export const NO_DUMMIES: InjectionContext = { dummies: [], nowMs: () => Date.UTC(2026, 10, 1) };

export function aMaterial(values: Readonly<Partial<Record<ValueName, string>>>): Material {
  return { values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)])), version: "1", lifetimeMs: null, lease: null };
}

/** What is lent by one grant or several, configured as in a file, in this order. */
export function aLoan(grants: readonly (readonly [inject: unknown, material: Material])[], context: InjectionContext = NO_DUMMIES): Loan {
  const injections = grants.map(([inject, material]) => makeInjection(injectionConfig.parse(inject), material, context));
  return { ...mergeInjections(grants.map((_, index) => `g${index}`), injections), references: [] };
}

/** The request as it leaves, by the very steps of the exchange. */
export async function finished(head: RequestHead, loan: Loan, body: Buffer | null = null): Promise<Unfinished> {
  let request: Unfinished = { head: toOutbound(head, loan), body };
  for (const touch of loan.finish) request = await touch.apply(request);
  return request;
}

/** A head as it is on the wire, secrets included. */
export function onTheWire(head: OutboundHead): { readonly target: string; readonly fields: Readonly<Record<string, string>> } {
  return { target: typeof head.target === "string" ? head.target : head.target.reveal(), fields: Object.fromEntries(sentHeaders(head)) };
}

