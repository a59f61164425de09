import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestAuthority } from "./tls-authority.ts";

/** One request as the destination saw it. */
export interface ShownCredential {
  readonly host: string;
  /** Null if none came. */
  readonly authorization: string | null;
  /** By the monotonic clock. */
  readonly atMs: number;
}

/** A destination that answers 200 to everything and keeps which credential each request showed. */
export interface LeasedUpstream {
  readonly port: number;
  readonly shown: readonly ShownCredential[];
  close(): Promise<void>;
}

export async function startLeasedUpstream(authority: TestAuthority, hosts: readonly string[]): Promise<LeasedUpstream> {
  const shown: ShownCredential[] = [];
  const leaf = await authority.leaf([...hosts]);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    shown.push({ host: request.headers.host ?? "", authorization: request.headers.authorization ?? null, atMs: performance.now() });
    response.end("ok\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, shown,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The user of HTTP Basic (RFC 7617); empty if it is something else. */
export function basicUser(authorization: string | null): string {
  const [, encoded = ""] = /^Basic (.+)$/.exec(authorization ?? "") ?? [];
  return Buffer.from(encoded, "base64").toString().split(":")[0] ?? "";
}
