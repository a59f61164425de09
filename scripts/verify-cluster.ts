import { existsSync } from "node:fs";
import { runTiers } from "./verify/report.ts";
import { suiteTier } from "./verify/tiers.ts";

/** What needs binaries that no package registry has ready: a Kubernetes API server, OpenBao. Each is a folder of tests. */
const FOLDERS = ["cluster"].filter((folder) => existsSync(new URL(`../test/${folder}/`, import.meta.url)));
const print = (line: string) => { process.stdout.write(`${line}\n`); };

if (FOLDERS.length === 0) print("nothing here needs a cluster yet");
process.exitCode = await runTiers(FOLDERS.map(suiteTier), print);
