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
import type { Material } from "./secret-source.ts";

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
