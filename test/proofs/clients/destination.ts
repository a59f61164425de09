import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Stage } from "../../support/stage.ts";
import { makeRepository, serveGit } from "./git-server.ts";
import { makePackage } from "./registry.ts";

export const SECRET = `tok_${randomBytes(24).toString("hex")}`;
export const HOST = "api.clients.test";

export interface Seen {
  readonly userAgent: string;
  readonly path: string;
  readonly hasCredential: boolean;
  readonly httpVersion: string;
}

/** One TLS destination that serves every client of the proof: echo, a git repository, a package registry. */
export interface Destination {
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

export async function startDestination(stage: Stage): Promise<Destination> {
  const seen: Seen[] = [];
  const leaf = await stage.authority.leaf([HOST]);
  const root = makeRepository(stage.directory);
  const parcel = await makePackage("parcel-of-weir", `https://${HOST}/registry`);
  const server = createSecureServer({ cert: leaf.certPem, key: leaf.keyPem, allowHTTP1: true });
  server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const authorization = request.headers.authorization ?? "";
    const hasCredential = authorization === `Bearer ${SECRET}`;
    seen.push({ userAgent: request.headers["user-agent"] ?? "", path: request.url, hasCredential, httpVersion: request.httpVersion });
    const path = request.url.split("?", 1)[0] ?? "/";
    if (!hasCredential) response.writeHead(401).end("no credential\n");
    else if (path.startsWith("/repo.git")) void serveGit(root, request as unknown as IncomingMessage, response as unknown as ServerResponse);
    else if (path === `/registry/${parcel.name}`) response.writeHead(200, { "content-type": "application/json" }).end(parcel.metadata);
    else if (path.endsWith(".tgz")) response.writeHead(200, { "content-type": "application/octet-stream" }).end(parcel.tarball);
    // A careless service: it sends the credential back. The boundary must take it out again.
    else response.writeHead(200, { "content-type": "text/plain", "x-seen-authorization": authorization }).end(`hello, you sent ${authorization}\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.route(HOST, 443, (server.address() as AddressInfo).port);
  return {
    seen,
    close: async () => {
      server.close();
      await Promise.resolve();
    },
  };
}
