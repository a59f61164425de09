import nodeVault from "node-vault";
import type { Secret } from "../../../common/secret.ts";
import type { VaultConfig } from "./vault-config.ts";
import { encodePath } from "./vault-path.ts";
import { VaultTransport, type VaultRequest } from "./vault-transport.ts";

/** The part of `node-vault` that is used: it builds the address and the headers; the rest of it never runs. */
type Library = ReturnType<typeof nodeVault>;

/** One request to Vault's HTTP API: a GET, or a POST if there is a body. */
export interface VaultCall {
  /** Of the path below `/v1/`, unencoded; one that could leave its place (`..`, empty, a slash) is refused, not repaired. */
  readonly segments: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  /** What Vault calls the parameters; may hold secrets. */
  readonly body?: Readonly<Record<string, unknown>>;
  /**
   * Set where Vault has to wait for a system behind it: such requests have more time, and connections of their own. One that makes a `lease` is not
   * cut short by its signal: the answer is the only name of what it made.
   */
  readonly behind?: "lease" | "revoke" | undefined;
}

/**
 * `node-vault` with its edges taken off. Left alone it follows redirects with the token on, reads VAULT_* variables and the proxy variables, prints
 * bodies under DEBUG, has no limit on an answer, and puts Vault's own words into errors.
 */
export class VaultApi {
  readonly #transport: VaultTransport;
  readonly #library: Library;

  constructor(config: VaultConfig) {
    this.#transport = new VaultTransport(config);
    const send = (options: VaultRequest): Promise<unknown> => this.#transport.send(options);
    const options: Record<string, unknown> & { apiVersion: "v1" } = {
      endpoint: new URL(config.address).origin, apiVersion: "v1", debug: () => {}, "request-promise": { defaults: () => send },
    };
    this.#library = nodeVault(options);
    // Given an empty value, the library takes the environment's; set again, it takes ours.
    Object.assign(this.#library, { token: "", pathPrefix: "", namespace: config.namespace ?? "" });
  }

  /**
   * @param token null for a login
   * @returns the JSON of the answer; null if it has none
   * @throws SourceError, a VaultRefusal among them where Vault answered
   */
  async call(call: VaultCall, token: Secret | null, signal: AbortSignal): Promise<unknown> {
    const query = call.query === undefined ? "" : `?${new URLSearchParams(call.query).toString()}`;
    const path = `${encodePath(call.segments)}${query}`;
    const shown = token === null ? {} : { "X-Vault-Token": token.reveal() };
    const options = { headers: { ...shown, "X-Vault-Request": "true" }, signal, behind: call.behind };
    return call.body === undefined ? this.#library.read(path, options) as Promise<unknown> : this.#library.write(path, call.body, options) as Promise<unknown>;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
