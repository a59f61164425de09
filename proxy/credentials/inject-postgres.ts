import type { Injection } from "./injection.ts";
import type { InjectChoice } from "./injection-config.ts";
import { SourceError, type Material } from "./secret-source.ts";

/** A login is for a database. @throws SourceError always: policy lends it to no request */
export function injectPostgres(_inject: InjectChoice<"postgres">, _material: Material): Injection {
  throw new SourceError("malformed", "the grant is for sessions of a database, not for requests");
}
