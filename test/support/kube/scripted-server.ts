import { once } from "node:events";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { Secret } from "../../../common/secret.ts";
import { fixedAccess, type KubeAccess, type KubeCredentials } from "../../../common/kube/kube-access.ts";
import { mintClusterAuthority, type ClusterAuthority } from "./cluster-authority.ts";

export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Common name of the client's certificate. */
  readonly client: string | undefined;
}

export type Answer = (call: SeenCall, response: ServerResponse) => void;

/** An HTTPS server that stands for an API server which answers as the test says, also wrongly. Takes nothing but bodies that say what they are. */
export interface ScriptedServer {
  readonly authority: ClusterAuthority;
  readonly calls: readonly SeenCall[];
  answer: Answer;
  access(change?: KubeCredentials): KubeAccess;
  /** Ends every connection without a word. */
  breakConnections(): void;
  close(): Promise<void>;
}

export const TOKEN = "token-of-the-test";

/** @param names that its certificate bears */
export async function startScriptedServer(names: readonly string[] = ["127.0.0.1"]): Promise<ScriptedServer> {
  const authority = await mintClusterAuthority();
  const { certPem, keyPem } = await authority.server(names);
  const calls: SeenCall[] = [];
  const server = createServer({ cert: certPem, key: keyPem, ca: authority.caPem, requestCert: true, rejectUnauthorized: false });
  const sockets = new Set<TLSSocket>();
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  });
  const scripted: ScriptedServer = {
    authority, calls,
    answer: (_call, response) => { json(response, 200, {}); },
    access: (change) => fixedAccess(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { caPem: authority.caPem, authorization: new Secret(`Bearer ${TOKEN}`), ...change }),
    breakConnections: () => { for (const socket of sockets) socket.destroy(); },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  server.on("request", (request, response) => {
    void text(request).then((body) => {
      const url = new URL(request.url ?? "", "https://server.test");
      const call = {
        method: request.method ?? "", path: url.pathname, query: url.searchParams, headers: request.headers, body,
        client: commonName(request.socket as TLSSocket),
      };
      if (call.body !== "" && call.headers["content-type"] === undefined) return json(response, 415, { kind: "Status", code: 415, reason: "UnsupportedMediaType" });
      calls.push(call);
      return scripted.answer(call, response);
    }, () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return scripted;
}

export function json(response: ServerResponse, code: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A Status object of the API. */
export function status(code: number, reason: string, message = "of the test"): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
}

function commonName(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate() as { readonly subject?: { readonly CN?: string | string[] } };
  return subject?.CN?.toString();
}
