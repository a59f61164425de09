import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import type { Lab } from "../lab.ts";
import { spawnPinned, stopProcess, untilListening } from "../processes.ts";
import { DUMMY_AUTHORIZATION, PeerMissing, type Peer } from "./peer.ts";

/** mitmproxy's command-line form through CONNECT, HTTP/1.1 on both sides like all others here, bodies streamed. */
export async function startMitmproxy(lab: Lab): Promise<Peer> {
  const folder = join(lab.folder, "mitmproxy");
  await mkdir(folder);
  const port = await freePort();
  const child = spawnPinned("proxy", ["mitmdump", "--quiet", "--listen-host", "127.0.0.1", "--listen-port", String(port), "--set", `confdir=${folder}`,
    "--set", `ssl_verify_upstream_trusted_ca=${lab.caFile}`, "--set", "http2=false", "--set", "connection_strategy=lazy", "--set", "stream_large_bodies=1",
    "--modify-headers", `/~q/Authorization/${lab.credential}`]);
  try {
    await untilListening(port, child);
  } catch (error) {
    throw new PeerMissing("mitmproxy does not start here (Debian: mitmproxy)", { cause: error });
  }
  const authority = `${lab.resolvableName}:${lab.upstreamPort}`;
  return {
    name: "mitmproxy", pid: child.pid ?? null, remark: "mitmdump through CONNECT, bodies streamed, upstream verified, credential set; no policy, no audit",
    target: { at: port, preamble: null, connectTo: authority, serverName: lab.resolvableName, authority, authorization: DUMMY_AUTHORIZATION, caFile: join(folder, "mitmproxy-ca-cert.pem") },
    stop: async () => stopProcess(child),
  };
}
