import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import { NGINX_USER, type Lab } from "../lab.ts";
import { spawnPinned, stopProcess, untilListening } from "../processes.ts";
import { DUMMY_AUTHORIZATION, type Peer } from "./peer.ts";

/** The anchor of all ratios: ends TLS, sets the credential, encrypts again to a verified upstream; no policy, no record. */
export async function startNginx(lab: Lab): Promise<Peer> {
  const port = await freePort();
  const configFile = join(lab.folder, "nginx.conf");
  await writeFile(configFile, config(lab, port));
  const child = spawnPinned("proxy", ["nginx", "-p", lab.folder, "-c", configFile, "-e", join(lab.folder, "nginx.log")]);
  await untilListening(port, child);
  return {
    name: "nginx", pid: child.pid ?? null, remark: "1 worker; terminate and re-encrypt, upstream verified, credential set; no policy, no audit",
    target: {
      at: port, preamble: PROXY_V1, connectTo: null, serverName: lab.upstreamName, authority: `${lab.upstreamName}:${lab.upstreamPort}`,
      authorization: DUMMY_AUTHORIZATION, caFile: lab.caFile,
    },
    stop: async () => stopProcess(child),
  };
}

/** The text form of the PROXY protocol: it carries what nginx wants to know, and says so on one readable line. */
const PROXY_V1 = Buffer.from("PROXY TCP4 10.0.0.1 198.18.0.1 40000 443\r\n").toString("base64");

function config(lab: Lab, port: number): string {
  return `${NGINX_USER} daemon off; worker_processes 1; pid ${lab.folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_temp_path ${lab.folder}/n1; proxy_temp_path ${lab.folder}/n2; fastcgi_temp_path ${lab.folder}/n3; uwsgi_temp_path ${lab.folder}/n4; scgi_temp_path ${lab.folder}/n5;
  upstream destination { server 127.0.0.1:${lab.upstreamPort}; keepalive 128; keepalive_requests 100000000; keepalive_timeout 300s; }
  server {
    listen 127.0.0.1:${port} ssl proxy_protocol backlog=4096;
    ssl_certificate ${lab.leafFile}; ssl_certificate_key ${lab.leafKeyFile}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass https://destination; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header Authorization "${lab.credential}";
      proxy_ssl_verify on; proxy_ssl_trusted_certificate ${lab.caFile}; proxy_ssl_name ${lab.upstreamName}; proxy_ssl_server_name on; proxy_ssl_session_reuse on;
    }
  }
}
`;
}
