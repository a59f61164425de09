import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../../common/exit-codes.ts";
import { adminConfig } from "../../../common/admin-config.ts";
import { PrometheusMetrics } from "../../../proxy/admin/prometheus-metrics.ts";
import { openAdmin, type AdminServer } from "../../../common/admin-server.ts";

let server: AdminServer | null;
let isReady = true;

const start = async (over: Record<string, unknown> = {}) =>
  openAdmin(adminConfig.parse({ address: "127.0.0.1:0", requestTimeoutMs: 500, maxConnections: 4, ...over }), { metrics: new PrometheusMetrics(), byDefault: false, isReady: () => isReady });
const ask = async (path: string, init: RequestInit = {}) => fetch(`${server?.url}${path}`, init);
const dial = async (): Promise<Socket> => {
  const socket = connect(Number(new URL(server?.url ?? "").port), "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
};

beforeEach(async () => {
  isReady = true;
  server = await start();
});
afterEach(async () => { await server?.close(); });

describe("the admin port", () => {
  test("answers that the process lives, also when it takes no work", async () => {
    isReady = false;
    const response = await ask("/healthz");
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
  });

  test("answers whether the proxy takes work", async () => {
    expect((await ask("/readyz")).status).toBe(200);
    isReady = false;
    expect((await ask("/readyz")).status).toBe(503);
  });

  test("serves the metrics as Prometheus reads them, the process's own too", async () => {
    const response = await ask("/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toMatch(/^weir_connections_open 0$[\s\S]*^process_resident_memory_bytes /m);
  });

  test.each(["/", "/metrics/", "/metrics?x", "/debug/pprof", "/constructor", "//healthz", "/../healthz/x"])("has nothing at %s", async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("takes no %s", async (method) => {
    const response = await ask("/readyz", { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("ends the connection of a client that sends a body, instead of reading it", async () => {
    const response = await ask("/healthz", { method: "POST", body: "x".repeat(1 << 20) }).catch(() => null);
    expect(response === null || response.headers.get("connection") === "close").toBe(true);
  });

  test("ends a client that sends its request too slowly", async () => {
    const socket = await dial();
    socket.write("GET /healthz HTTP/1.1\r\n");
    socket.resume();
    await once(socket, "close");
  });

  test("ends clients above its limit, and serves those below", async () => {
    const held = await Promise.all([dial(), dial(), dial(), dial()]);
    const fifth = await dial();
    fifth.resume();
    await once(fifth, "close");
    for (const socket of held) socket.destroy();
    await expect.poll(async () => ask("/healthz").then(({ status }) => status, () => 0)).toBe(200);
  });

  test("says that its port is in use, and what to do", async () => {
    const error = await openAdmin(adminConfig.parse({ address: new URL(server?.url ?? "").host }), { metrics: new PrometheusMetrics(), byDefault: false, isReady: () => true }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(/^cannot open the admin port 127\.0\.0\.1:\d+: the port is in use$/);
    expect((error as UserError).hint).toContain("admin.address");
  });

  test("is not opened unless it is asked for", async () => {
    expect(await openAdmin(adminConfig.parse({}), { metrics: new PrometheusMetrics(), byDefault: false, isReady: () => true })).toBeNull();
  });
});
