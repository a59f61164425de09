import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, type Clock } from "../../../common/clock.ts";
import type { MintContext } from "../../../proxy/credentials/minting/minting.ts";
import type { SourceContext } from "../../../proxy/credentials/providers.ts";
import type { Network } from "../../../proxy/model/network.ts";

/** An RSA key pair, PEM: PKCS#1 as GitHub gives it, PKCS#8 as Google does. */
export interface RsaPair {
  readonly pkcs1: string;
  readonly pkcs8: string;
  readonly publicPem: string;
}

export function rsaPair(bits = 2_048): RsaPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  return {
    pkcs1: privateKey.export({ type: "pkcs1", format: "pem" }), pkcs8: privateKey.export({ type: "pkcs8", format: "pem" }),
    publicPem: publicKey.export({ type: "spki", format: "pem" }),
  };
}

/** Files of secrets and a state directory, in a folder of the test. */
export class MintStage {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<MintStage> {
    return new MintStage(await mkdtemp(join(tmpdir(), "weir-mint-")));
  }

  get stateDirectory(): string {
    return join(this.folder, "state");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes the secret of a file reference, or takes it away. */
  async put(name: string, text: string | null): Promise<{ readonly type: "file"; readonly path: string }> {
    const path = this.path(name);
    await rm(path, { force: true });
    if (text !== null) await writeFile(path, text, { mode: 0o600 });
    return { type: "file", path };
  }

  context(network: Network, over: { readonly kube?: MintContext["kube"]; readonly clock?: Clock; readonly environment?: SourceContext["environment"] } = {}): SourceContext {
    const { kube = null, clock = systemClock, environment = {} } = over;
    return {
      environment, vault: () => { throw new Error("not here"); }, identityTokenFile: null,
      mint: { network, stateDirectory: this.stateDirectory, kube, clock },
    };
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** For sources that ask nobody. */
export const NO_NETWORK: Network = { trust: {} as Network["trust"], dial: async () => { throw new Error("not here"); } };
