import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { Proxy } from "http-mitm-proxy";
import { freePort } from "../../test/support/free-port.ts";
import type { Lab } from "../lab.ts";
import { spawnPinned, stopProcess, untilListening } from "../processes.ts";
import { DUMMY_AUTHORIZATION, type Peer } from "./peer.ts";

/** http-mitm-proxy through CONNECT, as its README starts it, with upstream keep-alive and verification. */
export async function startHttpMitmProxy(lab: Lab): Promise<Peer> {
  const folder = join(lab.folder, "http-mitm-proxy");
  const port = await freePort();
  const child = spawnPinned("proxy", ["node", import.meta.filename, String(port), folder, lab.caFile, lab.credential]);
  await untilListening(port, child);
  const authority = `${lab.resolvableName}:${lab.upstreamPort}`;
  return {
    name: "http-mitm-proxy", pid: child.pid ?? null, remark: "through CONNECT, upstream verified, credential set; no policy, no audit",
    target: {
      at: port, preamble: null, connectTo: authority, serverName: lab.resolvableName, authority,
      authorization: DUMMY_AUTHORIZATION, caFile: join(folder, "certs/ca.pem"),
    },
    stop: async () => stopProcess(child),
  };
}

/** The process itself. */
function serve([port, folder = "", caFile = "", credential = ""]: readonly string[]): void {
  const proxy = new Proxy();
  proxy.onError((_context, error) => { process.stderr.write(`${String(error)}\n`); });
  proxy.onRequest((context, next) => {
    const headers = context.proxyToServerRequestOptions?.headers;
    if (headers !== undefined) headers["authorization"] = credential;
    next();
  });
  const httpsAgent = new Agent({ keepAlive: true, ca: readFileSync(caFile) });
  proxy.listen({ port: Number(port), host: "127.0.0.1", sslCaDir: folder, keepAlive: true, httpsAgent });
}

if (import.meta.main) {
  process.once("SIGTERM", () => { process.exit(0); });
  serve(process.argv.slice(2));
}
