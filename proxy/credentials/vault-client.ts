import nodeVault from "node-vault";
import { readSecretFile } from "./secret-file.ts";
import { SourceError } from "./secret-source.ts";
import type { VaultConfig } from "./vault-config.ts";
import { VaultTransport, type VaultRequest } from "./vault-transport.ts";

/** The part of `node-vault` that is used: it builds the address and the headers; the rest of it never runs. */
type Client = ReturnType<typeof nodeVault>;

/**
 * `node-vault` with its edges taken off. Left alone it follows redirects with the token on, reads VAULT_* variables and the proxy variables, prints
 * bodies under DEBUG, has no limit on an answer, and puts Vault's own words into errors.
 */
export class VaultClient {
  readonly #transport: VaultTransport;
  readonly #client: Client;
  readonly #tokenFile: string;

  constructor(config: VaultConfig) {
    this.#transport = new VaultTransport(config);
    this.#tokenFile = config.tokenFile;
    const send = (options: VaultRequest): Promise<unknown> => this.#transport.send(options);
    const options: Record<string, unknown> & { apiVersion: "v1" } = {
      endpoint: new URL(config.address).origin, apiVersion: "v1", debug: () => {}, "request-promise": { defaults: () => send },
    };
    this.#client = nodeVault(options);
    // Given an empty value, the library takes the environment's; set again, it takes ours.
    Object.assign(this.#client, { token: "", pathPrefix: "", namespace: config.namespace ?? "" });
  }

  /**
   * Reads one path below `/v1/`.
   * @param segments of the path, unencoded; one that could leave its place (`..`, empty, a slash) is refused, not repaired
   * @throws SourceError
   */
  async read(segments: readonly string[], signal: AbortSignal): Promise<unknown> {
    const path = segments.map(encodeSegment).join("/");
    const { text: token } = await readSecretFile(this.#tokenFile);
    if (!/^[\x21-\x7e]+$/.test(token)) throw new SourceError("malformed", `${this.#tokenFile} does not hold a token`);
    return this.#client.read(path, { headers: { "X-Vault-Token": token, "X-Vault-Request": "true" }, signal }) as Promise<unknown>;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

/** A segment that is legal in a path to a secret: `encodeURIComponent` leaves dots alone, and URL parsers act on them. */
export function isPathSegment(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && segment.length <= 256 && !/[/\\\x00-\x1f\x7f]/.test(segment);
}

function encodeSegment(segment: string): string {
  if (!isPathSegment(segment)) throw new SourceError("malformed", "the path of the secret is not acceptable");
  return encodeURIComponent(segment);
}
