import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { operatorFolder, revokeRequest, type RevokeAnswer, type RevokeRequest, type UsageAnswer } from "../../common/operator-door.ts";
import { answerApprovals, isApprovalPath, type ApprovalActs } from "./approval-door.ts";

/** A reason of the greatest length fits, escaped. */
const BODY_LIMIT_BYTES = 8 * 1024;
/** Longest path of a Unix socket (sun_path, with its end), in bytes. */
const PATH_LIMIT_BYTES = 107;
/** An order may take as long as stores take to confirm it, at most a minute by configuration. */
const REQUEST_TIMEOUT_MS = 90_000;
const CONNECTIONS = 8;

/** What an operator may ask of a running proxy. */
export interface OperatorActs {
  revoke(what: RevokeRequest): Promise<RevokeAnswer>;
  /** Reads; changes nothing. */
  usage(): UsageAnswer;
  /** Absent where people are asked elsewhere: in a cluster by the controller, which knows who may answer. */
  readonly approvals?: ApprovalActs;
}

export interface OperatorDoor {
  close(): Promise<void>;
}

/**
 * Opens the door for `weir revoke`, `weir top` and `weir approvals`: HTTP on a Unix socket that only the owner of the state directory can reach, or whoever may run programs in the
 * proxy's container. Orders are not taken on the admin port: whoever reaches that one may look, not act.
 * @returns null, with a line in the log, where it cannot be opened: the boundary works without
 */
export async function openOperatorDoor(stateDirectory: string, acts: OperatorActs, log: Log): Promise<OperatorDoor | null> {
  const folder = operatorFolder(stateDirectory);
  const path = join(folder, `${process.pid}-${Date.now().toString(36)}.sock`);
  try {
    if (Buffer.byteLength(path) > PATH_LIMIT_BYTES) throw new Error(`the path ${path} is longer than ${PATH_LIMIT_BYTES} bytes`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    await removeDeadDoors(folder);
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: BODY_LIMIT_BYTES }, (request, response) => {
      const { socket } = request;
      answer(request, response, acts).catch(() => { socket.destroy(); });
    });
    server.maxConnections = CONNECTIONS;
    server.listen({ path });
    await once(server, "listening");
    chmodSync(path, 0o600);
    return { close: async () => close(server) };
  } catch (error) {
    log.warn("operator.no-door", { error: describeError(error) });
    return null;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, acts: OperatorActs): Promise<void> {
  const send = (status: number, body: unknown): void => { response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body)); };
  const path = request.url ?? "";
  if (acts.approvals !== undefined && isApprovalPath(path)) {
    const reply = await answerApprovals({ method: request.method ?? "", path }, async () => readJson(request), acts.approvals);
    return send(reply.status, reply.body);
  }
  const method = request.url === "/revoke" ? "POST" : request.url === "/usage" ? "GET" : null;
  if (method === null) return send(404, { error: "not found" });
  if (request.method !== method) return send(405, { error: "method not allowed" });
  if (method === "GET") return send(200, acts.usage());
  const wanted = revokeRequest.safeParse(await readJson(request));
  if (!wanted.success) return send(400, { error: "not an order" });
  send(200, await acts.revoke(wanted.data));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_LIMIT_BYTES) throw new Error(`an order of more than ${BODY_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return null;
  }
}

/** A killed proxy leaves its socket behind, at which nobody answers. */
async function removeDeadDoors(folder: string): Promise<void> {
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".sock"))) {
    const path = join(folder, name);
    const probe = connect({ path });
    const isDead = await once(probe, "connect").then(() => false, (error: unknown) => (error as NodeJS.ErrnoException).code === "ECONNREFUSED");
    probe.destroy();
    if (isDead) unlinkSync(path);
  }
}

/** Node takes the socket's file away with it. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
