import { inspect } from "node:util";

/**
 * A credential value that cannot be printed: every implicit conversion yields `[secret]`.
 * `reveal()` has its callers listed in test/structure/secret.test.ts; a new one needs a reason there.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
