import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../test/support/free-port.ts";
import type { Lab } from "../lab.ts";
import { spawnPinned, stopProcess, untilListening } from "../processes.ts";
import { DUMMY_AUTHORIZATION, PeerMissing, type Peer } from "./peer.ts";

const run = promisify(execFile);
const CERTIFICATE_PROGRAM = "/usr/lib/squid/security_file_certgen";

/** Squid with ssl-bump: CONNECT, a leaf minted by its helper, the credential set, upstream verified. */
export async function startSquid(lab: Lab): Promise<Peer> {
  if (!existsSync(CERTIFICATE_PROGRAM)) throw new PeerMissing("squid with ssl-bump is not installed (Debian: squid-openssl)");
  const folder = join(lab.folder, "squid");
  await mkdir(folder);
  // As root, squid becomes the user `proxy`, who must write here.
  await chmod(folder, 0o777);
  await run("sh", ["-c", `cat "$1" "$2" > "$3"`, "sh", lab.caFile, lab.caKeyFile, join(folder, "ca-and-key.pem")]);
  await run(CERTIFICATE_PROGRAM, ["-c", "-s", join(folder, "minted"), "-M", "4MB"]);
  await run("chmod", ["-R", "a+rwX", folder]);
  const port = await freePort();
  await writeFile(join(folder, "squid.conf"), config(lab, folder, port));
  const child = spawnPinned("proxy", ["squid", "-N", "-f", join(folder, "squid.conf")]);
  await untilListening(port, child);
  const authority = `${lab.resolvableName}:${lab.upstreamPort}`;
  return {
    name: "squid", pid: child.pid ?? null, remark: "ssl-bump through CONNECT, upstream verified, credential set; no policy, no audit",
    target: { at: port, preamble: null, connectTo: authority, serverName: lab.resolvableName, authority, authorization: DUMMY_AUTHORIZATION, caFile: lab.caFile },
    stop: async () => stopProcess(child),
  };
}

function config(lab: Lab, folder: string, port: number): string {
  return `http_port 127.0.0.1:${port} ssl-bump tls-cert=${folder}/ca-and-key.pem generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program ${CERTIFICATE_PROGRAM} -s ${folder}/minted -M 4MB
sslcrtd_children 1 startup=1 idle=1
ssl_bump bump all
tls_outgoing_options cafile=${lab.caFile}
acl all_requests src all
http_access allow all_requests
cache deny all
request_header_access Authorization deny all
request_header_add Authorization "${lab.credential}" all_requests
access_log none
cache_log ${folder}/cache.log
pid_filename none
netdb_filename none
coredump_dir ${folder}
shutdown_lifetime 0 seconds
client_persistent_connections on
server_persistent_connections on
`;
}
