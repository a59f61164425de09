import type { CredentialGrant } from "../resources/credential-grant.ts";
import { grantSources, type KeySource } from "../resources/grant-source.ts";
import type { BoundaryConfig } from "./config.ts";
import { accepted, refused, type Refused, type Verdict } from "./verdict.ts";

/** A reference as the proxies' configuration has it: JSON, and nothing secret. */
export type Reference = Readonly<Record<string, unknown>>;

/** Nothing that a server, a proxy or a person could read as anything but itself: no dots alone, no escapes, no empty segments. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9_@+=.-]{1,128}$/;
const PATH_LIMIT = 512;
const PATH_RULE = "vault.path is segments of letters, digits and _ @ + = . - with single slashes between, none of them . or ..; "
  + "it is read below this namespace's prefix";

export type CredentialSettings = Pick<BoundaryConfig, "vault" | "kubernetesSecrets">;

/** Turns the source of a CredentialGrant into a reference of the proxies. What it names is its own namespace's, whatever it says. */
export function toReference({ spec, metadata: { namespace } }: CredentialGrant, settings: CredentialSettings): Verdict<Reference> {
  return new Places(namespace, settings).referenceOf(spec);
}

/** Where things of one namespace are. */
class Places {
  readonly #namespace: string;
  readonly #settings: CredentialSettings;

  constructor(namespace: string, settings: CredentialSettings) {
    this.#namespace = namespace;
    this.#settings = settings;
  }

  referenceOf(spec: CredentialGrant["spec"]): Verdict<Reference> {
    const names = Object.keys(grantSources) as (keyof typeof grantSources)[];
    if (names.filter((name) => spec[name] !== undefined).length !== 1) return refused("Invalid", `give exactly one of ${names.join(", ")}`);
    if (spec.vault !== undefined) return this.#vault(spec.vault);
    if (spec.kubernetesSecret !== undefined) return this.#secret(spec.kubernetesSecret);
    if (spec.githubApp !== undefined) return this.#minted("github-app", spec.githubApp, { key: spec.githubApp.key });
    if (spec.oauth2 !== undefined) return this.#minted("oauth2", spec.oauth2, { clientSecret: spec.oauth2.clientSecret });
    if (spec.gcpServiceAccount !== undefined) return this.#minted("gcp-service-account", spec.gcpServiceAccount, { key: spec.gcpServiceAccount.key });
    return this.#engine(spec);
  }

  #engine(spec: CredentialGrant["spec"]): Verdict<Reference> {
    const { database, aws, kubernetes, pki } = this.#settings.vault.engines;
    const { vaultDatabase, vaultAws, vaultIdentityToken, vaultKubernetes, vaultPki } = spec;
    if (vaultDatabase !== undefined) return this.#role("vault-database", vaultDatabase, { mount: database });
    if (vaultAws !== undefined) return this.#role("vault-aws", vaultAws, { mount: aws });
    if (vaultIdentityToken !== undefined) return this.#role("vault-identity-token", vaultIdentityToken, {});
    if (vaultKubernetes !== undefined) return this.#role("vault-kubernetes", vaultKubernetes, { mount: kubernetes, namespace: this.#namespace });
    if (vaultPki !== undefined) return this.#role("vault-pki", vaultPki, { mount: pki });
    throw new TypeError("a source that is not looked at");
  }

  #role(type: string, { role, ...fields }: { readonly role: string; readonly [field: string]: unknown }, more: Reference): Verdict<Reference> {
    return accepted({ type, ...fields, ...more, role: `${this.#settings.vault.rolePrefix.replace("{namespace}", this.#namespace)}${role}` });
  }

  #vault({ path, key, keys }: { readonly path: string; readonly key?: string | undefined; readonly keys?: Reference | undefined }): Verdict<Reference> {
    const { mount, pathTemplate } = this.#settings.vault;
    const whole = pathTemplate.replace("{namespace}", this.#namespace) + path;
    if (!path.split("/").every((segment) => SEGMENT.test(segment)) || whole.length > PATH_LIMIT) return refused("PathNotAllowed", PATH_RULE);
    return accepted({ type: "vault", mount, path: whole, ...(keys === undefined ? { field: key } : { fields: keys }) });
  }

  #secret({ name, key }: { readonly name: string; readonly key: string }): Verdict<Reference> {
    const isReadable = this.#settings.kubernetesSecrets.some(({ namespace, names }) => namespace === this.#namespace && names.includes(name));
    if (!isReadable) return refused("SecretNotReadable", `the node proxies have no right to read the Secret ${name}; whoever installs Weir lists it in proxy.secrets of the chart`);
    return accepted({ type: "kubernetes-secret", namespace: this.#namespace, name, key });
  }

  /** @param keys the fields that say where a key is */
  #minted(type: string, fields: Reference, keys: Readonly<Record<string, KeySource>>): Verdict<Reference> {
    const read = Object.entries(keys).map(([field, source]) => [field, this.#key(source)] as const);
    const problem = read.map(([, verdict]) => verdict).find((verdict): verdict is Refused => !verdict.isAccepted);
    if (problem !== undefined) return problem;
    return accepted({ type, ...fields, ...Object.fromEntries(read.map(([field, verdict]) => [field, verdict.isAccepted ? verdict.value : null])) });
  }

  #key({ vault, kubernetesSecret }: KeySource): Verdict<Reference> {
    if (vault !== undefined) return this.#vault(vault);
    return kubernetesSecret === undefined ? refused("Invalid", "a key has no source") : this.#secret(kubernetesSecret);
  }
}
