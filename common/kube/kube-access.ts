import { readFile, stat } from "node:fs/promises";
import type { Environment } from "../config.ts";
import { EXIT, UserError } from "../exit-codes.ts";
import { Secret } from "../secret.ts";

/** Where kubelet puts a pod's own token and the cluster's CA. */
const POD_FILES = "/var/run/secrets/kubernetes.io/serviceaccount";
/** A token or a CA bundle is some kilobytes; a larger file is not what it is taken for. */
const FILE_LIMIT_BYTES = 1 << 20;

/** What a call proves itself with, and what it trusts, as PEM. */
export interface KubeCredentials {
  /** The cluster's CA; without it, the public CAs count. */
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: Secret;
  /** Value of `authorization`, such as `Bearer eyJ…`. */
  readonly authorization?: Secret;
}

/** The way to one API server. */
export interface KubeAccess {
  /** `https://host:port`, a path prefix allowed, no slash at the end. */
  readonly server: string;
  /** Name that the server's certificate must bear, if not the host's. */
  readonly serverName?: string;
  /** The namespace that whoever chose this access means, if they said so. */
  readonly namespace?: string;
  /** Asked before each call, because tokens and certificates rotate. */
  credentials(): Promise<KubeCredentials>;
}

/** Access by credentials that do not change. */
export function fixedAccess(server: string, credentials: KubeCredentials): KubeAccess {
  return { server: checkedServer(server), credentials: async () => credentials };
}

/**
 * Access of a pod by its own service account: the address is in its environment, token and CA are in files, which are read again when they change.
 * @param folder where the files are
 * @throws UserError outside of a pod
 */
export function inClusterAccess(environment: Environment, folder = POD_FILES): KubeAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined || host === "" || port === undefined || port === "") {
    const problem = "this is not a pod of a cluster: KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set";
    throw new UserError(problem, "Name a kubeconfig file.", EXIT.config);
  }
  return tokenFileAccess(`https://${host.includes(":") ? `[${host}]` : host}:${port}`, { tokenFile: `${folder}/token`, caFile: `${folder}/ca.crt` });
}

/** Access by a bearer token in a file, as a projected service-account volume has it. */
export function tokenFileAccess(server: string, files: { readonly tokenFile: string; readonly caFile: string }): KubeAccess {
  const token = new ChangingFile(files.tokenFile, (text) => new Secret(`Bearer ${text.trim()}`));
  const ca = new ChangingFile(files.caFile, (text) => text);
  return {
    server: checkedServer(server),
    credentials: async () => ({ caPem: await ca.read(), authorization: await token.read() }),
  };
}

/** The server's address without a slash at its end. @throws UserError unless it is https: credentials go nowhere else */
export function checkedServer(server: string): string {
  const url = URL.parse(server);
  const isFit = url !== null && url.protocol === "https:" && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!isFit) throw new UserError(`not an address of an API server: ${server}`, "It must be https://HOST:PORT.", EXIT.config);
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** A small file's content, read again only when the file has become another one (kubelet swaps a link) or has changed. */
class ChangingFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #known: { readonly mark: string; readonly value: T } | undefined;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
  }

  async read(): Promise<T> {
    const stats = await stat(this.#path);
    if (stats.size === 0 || stats.size > FILE_LIMIT_BYTES) throw new Error(`${this.#path} has ${stats.size} bytes`);
    const mark = `${stats.dev}:${stats.ino}:${stats.mtimeMs}:${stats.size}`;
    if (this.#known?.mark !== mark) this.#known = { mark, value: this.#parse(await readFile(this.#path, "utf8")) };
    return this.#known.value;
  }
}
