import { statSync } from "node:fs";
import { InvalidArgumentError, type Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { untilStopSignal } from "../../common/stop-signal.ts";
import type { Io } from "../io.ts";
import { BundleFolder } from "./bundle-folder.ts";
import { openBundleServer } from "./bundle-server.ts";
import { readBearerToken, readPemFile } from "./read-files.ts";

const DEFAULT_ADDRESS = "127.0.0.1:8484";

interface ServeOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly readTokenFile?: string;
  readonly pushTokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** `weir policy serve` */
export function registerServe(policy: Command, io: Io): void {
  policy.command("serve").argument("<directory>", "folder of bundles, NAME.tar.gz each")
    .option("--address <host:port>", "where to listen; port 0 takes any that is free", readAddress, readAddress(DEFAULT_ADDRESS))
    .option("--read-token-file <file>", "bearer token that readers must show; without it everybody who reaches the port may read")
    .option("--push-token-file <file>", "bearer token that publishers must show; without it nobody may publish")
    .option("--tls-cert <file>", "certificate chain in PEM").option("--tls-key <file>", "its private key in PEM")
    .description("Serve bundles to proxies, and to OPA, by OPA's bundle API; stops at SIGTERM or SIGINT.")
    .action(async (directory: string, options: ServeOptions) => { await serve(directory, options, io); });
}

async function serve(directory: string, { address, readTokenFile, pushTokenFile, tlsCert, tlsKey }: ServeOptions, io: Io): Promise<void> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UserError(`there is no folder ${directory}`, "Make it, and publish into it with `weir policy push`.", EXIT.config);
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UserError("--tls-cert and --tls-key belong together", "Give both or neither.", EXIT.usage);
  const server = await openBundleServer({
    ...address, folder: new BundleFolder(directory), announce: io.err,
    readToken: readTokenFile === undefined ? null : readBearerToken(readTokenFile),
    pushToken: pushTokenFile === undefined ? null : readBearerToken(pushTokenFile),
    tls: tlsCert === undefined || tlsKey === undefined ? null : { cert: readPemFile(tlsCert), key: readPemFile(tlsKey) },
  });
  io.err(`weir: serving ${directory} at ${server.url}`);
  await untilStopSignal(() => undefined);
  await server.close();
}

function readAddress(value: string): { host: string; port: number } {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(value) ?? [];
  if (host === "" || Number(port) > 65_535) throw new InvalidArgumentError("it is HOST:PORT.");
  return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
}
