import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/support/free-port.ts";
import { writeCertificates, type Certificates } from "./certificates.ts";
import { spawnPinned, stopProcess, untilListening } from "./processes.ts";

/** What all peers share: the destination, its certificates and the credential that each of them must put in. */
export interface Lab extends Certificates {
  readonly folder: string;
  /** The name of the destination for transparent proxies; it resolves nowhere. */
  readonly upstreamName: string;
  /** The same destination for proxies that resolve names themselves. */
  readonly resolvableName: string;
  readonly upstreamPort: number;
  /** Where `/events` is served; nginx has no event stream of its own. */
  readonly eventsPort: number;
  /** What the upstream wants to see in Authorization; it answers 401 to anything else. */
  readonly credential: string;
  stop(): Promise<void>;
}

const SMALL_BYTES = 1024;
const BULK_BYTES = 10 * 1024 * 1024;
const UPSTREAM_NAME = "upstream.bench.test";
const RESOLVABLE_NAME = "localhost";

/** Starts the destination: nginx with one worker, ECDSA P-256, a 1 KiB JSON and a 10 MiB file, and an event stream behind it. */
export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "weir-bench-"));
  // nginx and squid give up root and must still read their files.
  await chmod(folder, 0o755);
  const certificates = await writeCertificates(folder, [UPSTREAM_NAME, RESOLVABLE_NAME]);
  await Promise.all([certificates.caKeyFile, certificates.leafKeyFile].map((file) => chmod(file, 0o644)));
  await mkdir(join(folder, "www"));
  await writeFile(join(folder, "www/small"), smallJson());
  await writeFile(join(folder, "www/bulk"), randomBytes(BULK_BYTES));
  const [upstreamPort, eventsPort] = [await freePort(), await freePort()];
  const credential = `Bearer ${randomBytes(16).toString("hex")}`;
  const configFile = join(folder, "upstream.conf");
  await writeFile(configFile, upstreamConfig({ folder, certificates, upstreamPort, eventsPort, credential }));
  const events = spawnPinned("load", ["node", join(import.meta.dirname, "event-source.ts"), String(eventsPort)]);
  const nginx = spawnPinned("load", ["nginx", "-p", folder, "-c", configFile, "-e", join(folder, "upstream.log")]);
  await untilListening(upstreamPort, nginx);
  await untilListening(eventsPort, events);
  return {
    ...certificates, folder, upstreamName: UPSTREAM_NAME, resolvableName: RESOLVABLE_NAME, upstreamPort, eventsPort, credential,
    async stop() {
      await stopProcess(nginx);
      await stopProcess(events);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function smallJson(): string {
  const shell = JSON.stringify({ ok: true, text: "" });
  return JSON.stringify({ ok: true, text: "x".repeat(SMALL_BYTES - shell.length) });
}

/** `user root` keeps the worker able to read the folder when the bench runs as root; nginx ignores it otherwise. */
export const NGINX_USER = process.getuid?.() === 0 ? "user root;" : "";

function upstreamConfig(lab: { folder: string; certificates: Certificates; upstreamPort: number; eventsPort: number; credential: string }): string {
  return `${NGINX_USER} daemon off; worker_processes 1; pid ${lab.folder}/upstream.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on; sendfile on;
  client_body_temp_path ${lab.folder}/u1; proxy_temp_path ${lab.folder}/u2; fastcgi_temp_path ${lab.folder}/u3; uwsgi_temp_path ${lab.folder}/u4; scgi_temp_path ${lab.folder}/u5;
  server {
    listen 127.0.0.1:${lab.upstreamPort} ssl backlog=4096;
    ssl_certificate ${lab.certificates.leafFile}; ssl_certificate_key ${lab.certificates.leafKeyFile}; ssl_protocols TLSv1.2 TLSv1.3;
    root ${lab.folder}/www; default_type application/json;
    if ($http_authorization != "${lab.credential}") { return 401; }
    location /events { proxy_pass http://127.0.0.1:${lab.eventsPort}; proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}
