import { once } from "node:events";
import { createServer as createPlainServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { buildApp } from "./app.ts";
import type { ApiConfig } from "./config.ts";
import type { ApiParts } from "./context.ts";
import { Waiting } from "./waiting.ts";

/** A token of 16 KiB and room for the other headers. */
const HEADER_LIMIT_BYTES = 40 << 10;
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_INTERVAL_MS = 1_000;
const CLOSE_GRACE_MS = 3_000;

/** Certificate chain and key, PEM. */
export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface OpenApi {
  readonly port: number;
  /** New connections get this one; for rotation. Does nothing without TLS. */
  useCertificate(certificate: Certificate): void;
  /** Takes no new connection, ends streams and waits, and gives what is under way a few seconds. */
  close(): Promise<void>;
}

/** @param tls null serves plain HTTP, for tests and behind something that ends TLS. @throws Error if the port cannot be had */
export async function openApi(config: ApiConfig, parts: ApiParts & { readonly tls: Certificate | null }): Promise<OpenApi> {
  const waiting = new Waiting(parts.store, config);
  const app = buildApp({ ...parts, config, waiting });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const options = {
    maxHeaderSize: HEADER_LIMIT_BYTES, connectionsCheckingInterval: CHECK_INTERVAL_MS,
    // Node refuses headers that may take longer than the request that they are a part of.
    requestTimeout: config.requestTimeoutMs, headersTimeout: Math.min(HEADERS_TIMEOUT_MS, config.requestTimeoutMs),
  };
  const handle: Parameters<typeof createPlainServer>[1] = (incoming, outgoing) => { void listener(incoming, outgoing); };
  const tlsServer = parts.tls === null ? null : createTlsServer({ ...options, ...tlsOptions(parts.tls) }, handle);
  const server: Server | TlsServer = tlsServer ?? createPlainServer(options, handle);
  server.maxConnections = config.maxConnections;
  server.listen(config.port, config.host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : config.port,
    useCertificate: (certificate) => { tlsServer?.setSecureContext(tlsOptions(certificate)); },
    close: async () => {
      waiting.close();
      await closeServer(server);
    },
  };
}

function tlsOptions({ certPem, keyPem }: Certificate) {
  return { cert: certPem, key: keyPem, minVersion: "TLSv1.2" } as const;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => { server.closeAllConnections(); }, CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
}
