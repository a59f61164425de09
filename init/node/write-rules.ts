/**
 * in: a governed pod and its namespace · out: its rules in the kernel, tried out · ends early with: Error (init's own words) · next: keep-rules.ts
 *
 * The very program that runs in pods of mode `init`, entered from outside: one rule set, one self-check, whoever has the right to write.
 */
import { fileURLToPath } from "node:url";
import { SIDECAR_UID } from "../../common/labels.ts";
import { rulesConfig, type RulesConfig } from "../config.ts";
import { readBack } from "../read-back.ts";
import { planRules, TABLE } from "../rules.ts";
import { kebab } from "../settings.ts";
import type { Enter } from "./enter.ts";
import type { Place } from "./find-namespace.ts";
import type { CapturedPod } from "./read-pod.ts";

/** Of the installation and of the node: the same for all pods. */
export interface NodeFacts {
  /** Addresses and port of the node proxies' service. */
  readonly proxy: { readonly addresses: readonly string[]; readonly port: number };
  readonly hostAddresses: readonly string[];
}

/** Bundled, init lies beside this program; in the checkout it is a source file that Node reads as it is. */
const INIT = fileURLToPath(new URL(import.meta.url.endsWith(".mjs") ? "./init.mjs" : "../main.ts", import.meta.url));

/** Writes and reads the rules of pods. */
export class RuleWriter {
  readonly #facts: NodeFacts;
  readonly #enter: Enter;

  constructor(facts: NodeFacts, enter: Enter) {
    this.#facts = facts;
    this.#enter = enter;
  }

  /**
   * Writes the rules, tries them, and reads them back.
   * @returns their fingerprint, for {@link RuleWriter.drift}
   * @throws Error if they do not hold, or the namespace is not the pod's
   */
  async write(pod: CapturedPod, { file }: Place, signal: AbortSignal): Promise<string> {
    const flags = Object.entries(settingsOf(pod, this.#facts)).map(([name, value]) => `--${kebab(name)}=${value}`);
    await this.#enter(file, [process.execPath, INIT, ...flags], signal);
    const loaded = await this.#read(pod, file, signal);
    if (loaded.differences.length > 0) throw new Error(loaded.differences.join("; "));
    return loaded.fingerprint;
  }

  /** What is no longer as it was written; empty if all is. A table that is gone is one difference. */
  async drift(pod: CapturedPod, { file }: Place, fingerprint: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      const loaded = await this.#read(pod, file, signal);
      if (loaded.differences.length > 0) return loaded.differences;
      return loaded.fingerprint === fingerprint ? [] : ["a rule has another condition"];
    } catch (error) {
      signal.throwIfAborted();
      return [(error as Error).message];
    }
  }

  async #read(pod: CapturedPod, file: string, signal: AbortSignal) {
    return readBack(await this.#enter(file, ["nft", "-j", "list", "table", "inet", TABLE], signal), planRules(rulesOf(pod, this.#facts)));
  }
}

/** The same that controller/pods/boundary-parts.ts tells an init container that writes the rules itself, and where they belong. */
function settingsOf({ addresses, inbound, containers }: CapturedPod, { proxy, hostAddresses }: NodeFacts): Readonly<Record<string, string>> {
  return {
    mode: "pod", nodeAddresses: proxy.addresses.join(","), proxyPort: String(proxy.port), sidecarUid: String(SIDECAR_UID), inbound,
    containers: containers.map(({ name, uid }) => `${name}:${uid}`).join(","),
    onlyAt: addresses.join(","), neverAt: hostAddresses.join(","),
  };
}

/** What init makes of these flags. */
function rulesOf(pod: CapturedPod, facts: NodeFacts): RulesConfig {
  return rulesConfig.parse({ ...settingsOf(pod, facts), proxyPort: facts.proxy.port, sidecarUid: SIDECAR_UID });
}
