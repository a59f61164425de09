import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { allow, ConnectionStand, deny, readToEnd } from "../../../support/connection-stand.ts";

let stand: ConnectionStand;
afterEach(async () => stand.close());

describe("a TLS connection", () => {
  test("is ended with a certificate for the name that was resolved, and its request is served", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com");
    await once(client, "secureConnect");
    expect(client.authorized).toBe(true);
    expect(client.getPeerCertificate().subjectaltname).toBe("DNS:api.example.com");
    client.write("GET /x HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
    expect((await readToEnd(client)).toString()).toMatch(/^HTTP\/1.1 200 OK[^]*GET \/x api\.example\.com/);
    client.end();
    expect(await stand.closed()).toMatchObject({
      kind: "connection", outcome: "allowed", error: null, host: "api.example.com", port: 443, wire: "tls", serverName: "api.example.com",
      handling: "intercept", exchanges: 1, usage: { requestBytes: 1, responseBytes: 2 }, agent: { instance: "i1" },
      decision: { allowed: true, rule: "test.allow", revision: "r1" },
    });
  });

  test("speaks HTTP/2 where the client offers it", async () => {
    stand = await ConnectionStand.open();
    const socket = await stand.dialTls("api.example.com", { ALPNProtocols: ["http/1.1", "h2"] });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("h2");
    const session = connectHttp2("https://api.example.com", { createConnection: () => socket });
    const request = session.request({ ":path": "/two" });
    expect((await readToEnd(request)).toString()).toBe("h2 /two");
    session.close();
    expect(await stand.closed()).toMatchObject({ outcome: "allowed" });
  });

  test("is refused by policy before any certificate is minted, by a fatal access_denied alert", async () => {
    stand = await ConnectionStand.open({ decide: () => deny("host not listed") });
    const client = await stand.dialTls("evil.example.com");
    const [error] = await once(client, "error") as [NodeJS.ErrnoException];
    expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_ACCESS_DENIED");
    expect(stand.minted).toEqual([]);
    expect(await stand.closed()).toMatchObject({
      outcome: "denied", host: "evil.example.com", decision: { allowed: false, rule: "test.deny" },
      error: { code: "policy.denied", rule: "test.deny", reason: "host not listed", hint: "List it." },
    });
  });

  test("to an address without a server name gets a certificate for the address", async () => {
    stand = await ConnectionStand.open({ decide: ({ connection }) => (connection?.is_address === true ? allow() : deny()) });
    const client = await stand.dialTls("203.0.113.7", { servername: "", host: "203.0.113.7" });
    await once(client, "secureConnect");
    expect(client.getPeerCertificate().subjectaltname).toBe("IP Address:203.0.113.7");
    client.destroy();
    expect(await stand.closed()).toMatchObject({ host: "203.0.113.7", serverName: null });
  });

  test("that rejects our certificate is recorded as such", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com", { ca: [] });
    await once(client, "error");
    expect(await stand.closed()).toMatchObject({ outcome: "failed", error: { code: "tls.rejected-by-agent" } });
  });
});

describe("a plain HTTP connection", () => {
  test("is served", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dial("api.example.com", 80);
    client.write("GET /x HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
    expect((await readToEnd(client)).toString()).toMatch(/^HTTP\/1.1 200/);
    client.end();
    expect(await stand.closed()).toMatchObject({ wire: "http", outcome: "allowed" });
  });

  test("is refused with JSON that says why and what to do", async () => {
    stand = await ConnectionStand.open({ decide: () => deny("host not listed") });
    const client = await stand.dial("api.example.com", 80);
    client.write("POST /x HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 100000\r\n\r\n");
    client.write(Buffer.alloc(100_000));
    const answer = (await readToEnd(client)).toString();
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1.1 403 /);
    const record = await stand.closed();
    expect(head).toContain(`x-weir-request-id: ${record.connectionId}`);
    expect(JSON.parse(body)).toEqual({ error: "policy.denied", rule: "test.deny", reason: "host not listed", hint: "List it.", request_id: record.connectionId });
  });

  test("is told why also when it has closed its half already", async () => {
    stand = await ConnectionStand.open({ decide: () => deny("host not listed") });
    const client = await stand.dial("api.example.com", 80);
    client.end("GET /x HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    expect((await readToEnd(client)).toString()).toContain("host not listed");
  });
});
