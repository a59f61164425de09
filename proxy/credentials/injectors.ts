import { injectHeader } from "./inject-header.ts";
import type { InjectConfig } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import type { Material } from "./secret-source.ts";

export type { InjectConfig };
type Choice<T extends InjectConfig["type"]> = Extract<InjectConfig, { type: T }>;

/** @throws SourceError `malformed` if the material is not what this way of injection needs */
type Injector<T extends InjectConfig["type"]> = (inject: Choice<T>, material: Material) => Injection;

/** The injectors: a new one is a file `inject-*.ts`, its schema in injection-config.ts, a line here and a line in the contract suite. */
export const INJECTORS: { readonly [T in InjectConfig["type"]]: Injector<T> } = {
  header: injectHeader,
};

/** What a grant adds to a request, worked out once for its material. */
export function makeInjection(inject: InjectConfig, material: Material): Injection {
  const injector = INJECTORS[inject.type] as (inject: InjectConfig, material: Material) => Injection;
  return injector(inject, material);
}
