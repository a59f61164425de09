import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { PemPair } from "./tls-authority.ts";

/** What the server does to the next requests. */
export type VaultFault = "none" | "sealed" | "forbidden" | "missing" | "rate-limited" | "down" | "silent" | "drip" | "redirect" | "huge" | "not-json" | "wrong-shape"
  | "deleted" | "reset" | "echo";

export interface SeenVaultRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The API of KV version 2 as far as a reader needs it, strict about what is asked, with faults that a real server cannot be told to have. */
export interface VaultStandIn {
  readonly address: string;
  readonly requests: readonly SeenVaultRequest[];
  fault: VaultFault;
  /** Where `redirect` sends the client. */
  redirectTo: string;
  /** Secrets by path below `/v1/`, `data/` included. */
  readonly secrets: Map<string, { readonly data: Readonly<Record<string, unknown>>; readonly version: number }>;
  close(): Promise<void>;
}

const HUGE_BYTES = 8 << 20;

type Misbehave = (response: ServerResponse, request: IncomingMessage, stand: VaultStandIn) => void;

const sendErrors = (status: number, message: string): Misbehave => (response) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ errors: [message] }));
};

const FAULTS: Readonly<Record<Exclude<VaultFault, "none">, Misbehave>> = {
  sealed: sendErrors(503, "Vault is sealed"),
  forbidden: sendErrors(403, "permission denied"),
  missing: sendErrors(404, ""),
  "rate-limited": sendErrors(429, "rate limit quota exceeded"),
  down: sendErrors(500, "internal error"),
  silent: () => {},
  drip: (response) => { response.writeHead(200).write("{"); },
  redirect: (response, request, stand) => { response.writeHead(307, { location: `${stand.redirectTo}${request.url ?? ""}` }).end(); },
  huge: (response) => { response.writeHead(200).end(`{"a":"${"x".repeat(HUGE_BYTES)}"}`); },
  "not-json": (response, request) => { response.writeHead(200).end(`<html>${String(request.headers["x-vault-token"])}</html>`); },
  "wrong-shape": (response) => { response.writeHead(200).end(JSON.stringify({ data: { value: "a KV version 1 secret" } })); },
  deleted: (response) => { response.writeHead(200).end(JSON.stringify({ data: { data: { value: "x" }, metadata: { version: 1, destroyed: false, deletion_time: "2026-01-01T00:00:00Z" } } })); },
  reset: (response) => { response.socket?.resetAndDestroy(); },
  echo: (response, request) => { response.writeHead(400).end(JSON.stringify({ errors: [JSON.stringify(request.headers)] })); },
};

/** @param expected the token that requests must carry, and the namespace if there is one */
export async function startVault(expected: { readonly token: string; readonly namespace?: string }, identity?: PemPair): Promise<VaultStandIn> {
  const requests: SeenVaultRequest[] = [];
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    if (stand.fault === "none") serve(request, response, expected, stand);
    else FAULTS[stand.fault](response, request, stand);
  };
  const server = identity === undefined ? createServer(handler) : createSecureServer({ cert: identity.certPem, key: identity.keyPem }, handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stand: VaultStandIn = {
    address: `${identity === undefined ? "http" : "https"}://127.0.0.1:${port}`, requests, fault: "none", redirectTo: "", secrets: new Map(),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return stand;
}

function serve(request: IncomingMessage, response: ServerResponse, expected: { readonly token: string; readonly namespace?: string }, stand: VaultStandIn): void {
  const { headers } = request;
  const isExpected = headers["x-vault-token"] === expected.token && headers["x-vault-request"] === "true" && headers["x-vault-namespace"] === expected.namespace;
  if (!isExpected || request.method !== "GET") {
    sendErrors(403, "permission denied")(response, request, stand);
    return;
  }
  const secret = stand.secrets.get((request.url ?? "").replace(/^\/v1\//, ""));
  if (secret === undefined) {
    FAULTS.missing(response, request, stand);
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({
    request_id: "3ad9ba43", lease_id: "", renewable: false, lease_duration: 0,
    data: { data: secret.data, metadata: { created_time: "2026-01-01T00:00:00Z", custom_metadata: null, deletion_time: "", destroyed: false, version: secret.version } },
  }));
}
