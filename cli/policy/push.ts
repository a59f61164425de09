import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Io } from "../io.ts";
import { bundleOrFolder, withBuildOptions, type BuildOptions } from "./build-bundle.ts";
import { BundleFolder, isBundleName } from "./bundle-folder.ts";
import { pushBundle } from "./push-bundle.ts";
import { readBearerToken } from "./read-files.ts";

/** What a bundle is called in a folder that was named without it; the default of policy.service.resource. */
const DEFAULT_NAME = "bundle.tar.gz";
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

interface PushOptions extends BuildOptions {
  readonly to: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
}

/** `weir policy push` */
export function registerPush(policy: Command, io: Io): void {
  withBuildOptions(policy.command("push").argument("<path>", "bundle, or policy folder to build one of"))
    .requiredOption("--to <place>", "folder of bundles, a file in it, or the https address of a bundle")
    .option("--token-file <file>", "bearer token for the server")
    .option("--ca-file <file>", "PEM file with the roots that may vouch for the server")
    .description("Publish a bundle: replaces the one that is there as a whole, and only if the revision goes up.")
    .action(async (path: string, options: PushOptions) => {
      const packed = await bundleOrFolder(path, options, io);
      io.out(/^https?:\/\//.test(options.to) ? await toServer(packed, options) : await toFolder(packed, options.to));
    });
}

async function toServer(packed: Buffer, { to, tokenFile, caFile }: PushOptions): Promise<string> {
  const url = URL.parse(to);
  const isSafe = url !== null && url.search === "" && url.username === "" && (url.protocol === "https:" || LOOPBACK.has(url.hostname));
  if (!isSafe) throw new UserError(`${to} is no address to publish at`, "It is https, or http to this machine itself, without user and query.", EXIT.usage);
  const words = await pushBundle(packed, { url, token: tokenFile === undefined ? null : readBearerToken(tokenFile), caFile: caFile ?? null });
  return `${url.href}: ${words}`;
}

async function toFolder(packed: Buffer, to: string): Promise<string> {
  const isFolder = statSync(to, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder && !isBundleName(basename(to))) throw new UserError(`there is no folder ${to}`, "Make it first, or name a file in one that ends in .tar.gz.", EXIT.config);
  const [directory, name] = isFolder ? [to, DEFAULT_NAME] : [dirname(to), basename(to)];
  const isNew = await new BundleFolder(directory).publish(name, packed);
  return `${directory}/${name}: ${isNew ? "published" : "the same bundle was there"}`;
}
