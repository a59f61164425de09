import * as z from "zod";
import type { Environment } from "../../../common/config.ts";
import { Secret } from "../../../common/secret.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../secret-source.ts";

export const environmentReference = z.strictObject({
  type: z.literal("environment"),
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "not a variable name").describe("Variable of the proxy's own environment, never of the agent's. For development: any process of the user can read it in /proc."),
});

/** The environment was copied when the proxy started: it has one version. */
const AT_START = "start";

/** A secret in the environment that the proxy was started with. */
export class EnvironmentSource implements SecretSource {
  readonly describe: string;
  readonly scope = "shared";
  readonly #name: string;
  readonly #environment: Environment;

  constructor(reference: z.output<typeof environmentReference>, environment: Environment) {
    this.#name = reference.name;
    this.#environment = environment;
    this.describe = `environment:${reference.name}`;
  }

  async fetch(): Promise<Material> {
    const value = this.#environment[this.#name];
    if (value === undefined) throw new SourceError("missing", `${this.#name} is not set in the proxy's environment`);
    if (value === "") throw new SourceError("malformed", `${this.#name} is empty in the proxy's environment`);
    return singleValue(new Secret(value), AT_START);
  }

  isCurrent(): boolean {
    return true;
  }
}
