import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../../../common/config.ts";
import { openLog } from "../../../common/log.ts";
import { proxyConfig, startProxy } from "../../../proxy/main.ts";

/**
 * A node proxy as a process of its own: `node proxy-process.ts FOLDER ISSUER`, with FOLDER/proxy.json as its configuration. Says `ready` when its doors
 * are open; SIGTERM ends it in an orderly way, and so does the end of its standard input.
 */
const [folder = "", issuerDirectory = ""] = process.argv.slice(2);
const config = parseConfig(proxyConfig, "proxy.json", readFileSync(join(folder, "proxy.json"), "utf8"));
const proxy = await startProxy(config, { log: openLog("weir-proxy", config.logLevel), environment: {}, stateDirectory: folder, issuerDirectory });
writeFileSync(join(folder, "seen-ca.pem"), proxy.caPem);
process.stdout.write("ready\n");

const ended = Promise.withResolvers<void>();
process.once("SIGTERM", () => { ended.resolve(); });
process.stdin.resume().once("end", () => { ended.resolve(); });
await ended.promise;
await proxy.stop();
process.exit(0);
