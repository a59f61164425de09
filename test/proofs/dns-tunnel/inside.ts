import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { programCommand } from "../../../cli/sandbox/programs.ts";
import { parseConfig } from "../../../common/config.ts";
import { silentLog } from "../../../common/log.ts";
import { proxyConfig, startProxy, type RunningProxy } from "../../../proxy/main.ts";
import type { NameRecord } from "../../../proxy/model/record.ts";
import { lineOf, Namespace } from "./namespaces.ts";
import { RESOLVER } from "./outside.ts";

const ALLOWED_HOST = "allowed.test";

/** The agent's side: a namespace with the rules of `init` and a sidecar, and a proxy that may ask the real resolver. */
export class Inside implements AsyncDisposable {
  readonly namespace: Namespace;
  /** Every name that the agent asked for. */
  readonly names: readonly NameRecord[];
  readonly #proxy: RunningProxy;

  private constructor(namespace: Namespace, names: readonly NameRecord[], proxy: RunningProxy) {
    this.namespace = namespace;
    this.names = names;
    this.#proxy = proxy;
  }

  /** @param names policy data: which names are hidden; by default every name resolves */
  static async open(folder: string, names: Record<string, unknown>): Promise<Inside> {
    const seen: NameRecord[] = [];
    const socketPath = join(folder, "proxy", "proxy.sock");
    const config = parseConfig(proxyConfig, "proof", JSON.stringify({
      listen: { socketPath }, audit: { directory: join(folder, "audit") },
      policy: { data: { hosts: [{ name: ALLOWED_HOST, rule: "proof.allowed" }], names } },
      upstream: { resolvers: [RESOLVER], resolveTimeoutMs: 500, resolveTries: 1 },
      dns: { queriesPerSecond: 10_000, queryBurst: 100_000 },
    }));
    const proxy = await startProxy(config, {
      log: silentLog, environment: {}, stateDirectory: join(folder, "state"), issuerDirectory: join(folder, "issuer"),
      onRecord: (record) => { if (record.kind === "name") seen.push(record); },
    });
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, await proxy.issuer.mint({ namespace: "proof", name: "agent", thread: "t", instance: "i", user: "u", labels: {}, chain: [] }, 3_600_000), { mode: 0o600 });
    const namespace = await Namespace.open();
    namespace.run(...programCommand("init", ["--mode", "local"]));
    const sidecar = namespace.start(...programCommand("sidecar", ["--proxy", `unix:${socketPath}`, "--token-file", tokenFile, "--ends-with-stdin"]));
    await lineOf(sidecar, /sidecar\.ready/, 10_000);
    return new Inside(namespace, seen, proxy);
  }

  /** An allowed request of the agent: the proxy asks the real resolver for its name, which shows that the counters would see a question. */
  async useAllowedHost(): Promise<void> {
    const curl = this.namespace.start("curl", "-sk", "--max-time", "5", `https://${ALLOWED_HOST}/`);
    await once(curl, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
    await this.#proxy.stop();
  }
}
