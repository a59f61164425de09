import { once } from "node:events";
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { PemPair } from "./tls-authority.ts";

/** A server of gRPC by the letter of PROTOCOL-HTTP2.md that answers each call with what it was sent. */
export interface GrpcServer {
  readonly port: number;
  /** Paths of the calls that arrived. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

export async function startGrpcServer(identity: PemPair): Promise<GrpcServer> {
  const calls: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({ cert: identity.certPem, key: identity.keyPem });
  server.on("session", (session) => { sessions.add(session); });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    calls.push(headers[":path"] ?? "");
    stream.on("error", () => { stream.destroy(); });
    if (headers["te"] !== "trailers") return stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "3" }, { endStream: true });
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => { stream.sendTrailers({ "grpc-status": "0" }); });
    stream.on("data", (chunk: Buffer) => { stream.write(chunk); }).on("end", () => { stream.end(); });
    return undefined;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, calls,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
