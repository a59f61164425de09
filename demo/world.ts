import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { createServer, type Server, type AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buildStage, type Stage } from "../test/support/stage.ts";

/** Made anew for each demo: nobody can have it but the boundary and the weather service. */
export const REAL_KEY = `wx_live_${randomBytes(24).toString("hex")}`;
export const DUMMY_KEY_MARK = "wx_dummy";

interface Request {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly hasRealKey: boolean;
}

/** The outside of the demo: two real TLS servers on loopback under names of their own, and a Unix socket that plays Docker's. */
export interface World {
  readonly stage: Stage;
  /** The environment of every scene. */
  readonly environment: Readonly<Record<string, string>>;
  credentialed(method: string, path: string): number;
  requestsTo(host: string): number;
  seen(method: string): number;
  close(): Promise<void>;
}

export async function buildWorld(): Promise<World> {
  const stage = await buildStage();
  const requests: Request[] = [];
  const weather = await startService(stage, "api.weather.test", requests);
  const paste = await startService(stage, "paste.exfil.test", requests);
  const socketPath = join(stage.directory, "docker.sock");
  const docker = createServer((socket) => { socket.end("pong\n"); });
  docker.listen(socketPath);
  await once(docker, "listening");
  configure(stage);
  return {
    stage, environment: { DEMO_SOCKET: socketPath },
    credentialed: (method, path) => requests.filter((request) => request.hasRealKey && request.method === method && request.path === path).length,
    requestsTo: (host) => requests.filter((request) => request.host === host).length,
    seen: (method) => requests.filter((request) => request.method === method).length,
    close: async () => {
      await Promise.all([weather, paste, docker].map(closeServer));
      stage.remove();
    },
  };
}

function configure(stage: Stage): void {
  // The agent's own files, where it works: a checkout below /tmp is not there inside.
  cpSync(join(import.meta.dirname, "agent"), join(stage.directory, "work"), { recursive: true });
  const file = stage.secretFile("weather-key", REAL_KEY);
  stage.configure({
    agent: { name: "demo" },
    grants: {
      weather: {
        credential: { type: "file", path: file },
        inject: { header: "authorization", format: "Bearer {secret}" },
        bind: { hosts: ["api.weather.test"], methods: ["GET", "POST"], paths: ["/v1/**"] },
        env: { WEATHER_API_KEY: { value: `${DUMMY_KEY_MARK}_0000000000000000` } },
      },
    },
  }, {
    hosts: [
      { name: "api.weather.test", rule: "weather.read", methods: ["GET"], paths: ["/v1/**"], grants: ["weather"] },
      { name: "api.weather.test", rule: "weather.report", methods: ["POST"], paths: ["/v1/reports"], grants: ["weather"] },
    ],
  });
}

async function startService(stage: Stage, host: string, requests: Request[]): Promise<HttpsServer> {
  const leaf = await stage.authority.leaf([host]);
  const server = createHttpsServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const url = new URL(request.url ?? "/", `https://${host}`);
    const hasRealKey = request.headers.authorization === `Bearer ${REAL_KEY}`;
    requests.push({ host, method: request.method ?? "", path: url.pathname, hasRealKey });
    answerWeather(request, response, hasRealKey);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.route(host, 443, (server.address() as AddressInfo).port);
  return server;
}

function answerWeather(request: IncomingMessage, response: ServerResponse, hasRealKey: boolean): void {
  request.resume();
  const status = !hasRealKey ? 401 : request.method === "POST" ? 201 : 200;
  const body = hasRealKey ? { city: "Bergen", sky: "rain", key: "accepted" } : { error: "unknown key" };
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

async function closeServer(server: Server | HttpsServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  if ("closeAllConnections" in server) server.closeAllConnections();
  await closed;
}
