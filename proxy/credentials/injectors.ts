import { injectBasic, injectGit } from "./inject-basic.ts";
import { injectClientCertificate } from "./inject-client-certificate.ts";
import { injectCookie } from "./inject-cookie.ts";
import { injectHeader } from "./inject-header.ts";
import { injectPlaceholder } from "./inject-placeholder.ts";
import { injectPostgres } from "./inject-postgres.ts";
import { injectQuery } from "./inject-query.ts";
import { injectSigV4 } from "./inject-sigv4.ts";
import type { InjectChoice, InjectConfig } from "./injection-config.ts";
import type { Injection, InjectionContext } from "./injection.ts";
import { SourceError, type Material } from "./secret-source.ts";

export type { InjectConfig };

/** @throws SourceError `malformed | oversized` if the material is not what this way of injection needs */
type Injector<T extends InjectConfig["type"]> = (inject: InjectChoice<T>, material: Material, context: InjectionContext) => Injection;

/** The injectors: a new one is a file `inject-*.ts`, its schema in injection-config.ts, a line here and a line in the contract suite. */
export const INJECTORS: { readonly [T in InjectConfig["type"]]: Injector<T> } = {
  header: injectHeader,
  basic: injectBasic,
  query: injectQuery,
  cookie: injectCookie,
  git: injectGit,
  "aws-sigv4": injectSigV4,
  "client-certificate": injectClientCertificate,
  placeholder: injectPlaceholder,
  postgres: injectPostgres,
};

/** What a grant adds to a request, worked out once for its material. */
export function makeInjection(inject: InjectConfig, material: Material, context: InjectionContext = { dummies: [], nowMs: Date.now }): Injection {
  const injector = INJECTORS[inject.type] as (inject: InjectConfig, material: Material, context: InjectionContext) => Injection;
  return injector(inject, material, context);
}

/** A shorter one would be found by chance in ordinary answers, which are searched for it, and could be guessed. In characters. */
const SHORTEST_SECRET = 8;

/** @throws SourceError `malformed` if a secret of it is too short to be lent */
export function requireSearchable({ secrets }: Injection): void {
  if (secrets.some((secret) => secret.reveal().length < SHORTEST_SECRET)) throw new SourceError("malformed", `the secret has less than ${SHORTEST_SECRET} characters`);
}
