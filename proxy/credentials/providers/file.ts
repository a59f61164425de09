import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import { namedFields, namedValues, type NamedFields } from "../named-values.ts";
import { fileVersion, readSecretFile } from "../secret-file.ts";
import { singleValue, type Material, type SecretSource } from "../secret-source.ts";

export const fileReference = z.strictObject({
  type: z.literal("file"),
  path: z.string().min(1).describe("Path of a file of mode 0600 that holds the secret and nothing else; read again when it changes."),
  fields: namedFields,
});

/** A secret in a file of this machine. A changed, moved or opened-up file is noticed at the next use. */
export class FileSource implements SecretSource {
  readonly describe: string;
  readonly scope = "shared";
  readonly #path: string;
  readonly #fields: NamedFields;

  constructor(reference: z.output<typeof fileReference>) {
    this.#path = reference.path;
    this.#fields = reference.fields;
    this.describe = `file:${reference.path}`;
  }

  async fetch(): Promise<Material> {
    const { text, version } = await readSecretFile(this.#path);
    if (this.#fields === undefined) return singleValue(new Secret(text), version);
    return { values: namedValues(text, this.#fields, this.describe), version, lifetimeMs: null, lease: null };
  }

  isCurrent(version: string): boolean {
    return fileVersion(this.#path) === version;
  }
}
