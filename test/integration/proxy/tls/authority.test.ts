import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync, chmodSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, connect, type TLSSocket } from "node:tls";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { LeafAuthority } from "../../../../proxy/tls/authority.ts";
import { openCa } from "../../../../proxy/tls/ca.ts";
import { tlsConfig } from "../../../../proxy/tls/config.ts";
import { TestClock } from "../../../support/test-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-ca-"));
const caFile = join(folder, "trusted.pem");
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

const LONG = `${"a".repeat(60)}.${"b".repeat(60)}.example.com`;
const HOSTS = ["api.example.com", LONG, "203.0.113.7", "2001:db8::7"];

/** The leaf as a client gets it. */
async function leafFor(authority: LeafAuthority, host: string): Promise<string> {
  const context = await authority.contextFor(host);
  const server = createServer({ SNICallback: (_name, done) => { done(null, context); } });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client: TLSSocket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca: authority.caPem, servername: "any.example", checkServerIdentity: () => undefined });
  await once(client, "secureConnect");
  const pem = client.getPeerX509Certificate()?.toString() ?? "";
  client.destroy();
  server.close();
  return pem;
}

describe("a minted certificate", () => {
  let authority: LeafAuthority;
  beforeAll(async () => {
    authority = new LeafAuthority(await openCa(folder), tlsConfig.parse({}), systemClock);
    writeFileSync(caFile, authority.caPem);
  });

  test.each(HOSTS)("for %s passes OpenSSL's strict verification for that host, and for no other", async (host) => {
    const leafFile = join(folder, "leaf.pem");
    writeFileSync(leafFile, await leafFor(authority, host));
    const check = (name: string) => spawnSync("openssl", ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", caFile, /^[0-9.]+$|:/.test(host) ? "-verify_ip" : "-verify_hostname", name, leafFile], { encoding: "utf8" });
    expect(check(host).stdout).toContain(": OK");
    expect(check(/^[0-9.]+$|:/.test(host) ? "203.0.113.8" : "www.example.com").status).not.toBe(0);
  });

  test("has what strict clients ask for", async () => {
    const leaf = new X509Certificate(await leafFor(authority, "api.example.com"));
    const text = execFileSync("openssl", ["x509", "-noout", "-text"], { input: leaf.toString(), encoding: "utf8" });
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(text).toMatch(/Extended Key Usage:\s+TLS Web Server Authentication/);
    expect(text).toContain("Subject Key Identifier");
    expect(text).toContain("Authority Key Identifier");
    expect(text).toMatch(/Serial Number:\s+([0-9a-f]{2}:){15}[0-9a-f]{2}/);
    expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(25 * 3_600_000);
  });

  test("for a host too long for a common name has a critical alternative name and no subject", async () => {
    const text = execFileSync("openssl", ["x509", "-noout", "-text"], { input: await leafFor(authority, LONG), encoding: "utf8" });
    expect(text).toMatch(/Subject Alternative Name: critical/);
    expect(text).toMatch(/Subject:\s*\n/);
  });

  test("is trusted by Python with VERIFY_X509_STRICT", async () => {
    const context = await authority.contextFor("api.example.com");
    const server = createServer({ SNICallback: (_name, done) => { done(null, context); } }, (socket) => { socket.end("hello"); });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const script = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as raw, context.wrap_socket(raw, server_hostname="api.example.com") as tls:
    print(tls.recv(5).decode())`;
    const python = spawn("python3", ["-c", script, caFile, String((server.address() as AddressInfo).port)]);
    const output: string[] = [];
    for (const stream of [python.stdout, python.stderr]) stream.on("data", (chunk: Buffer) => { output.push(chunk.toString()); });
    await once(python, "close");
    server.close();
    expect(output.join("").trim()).toBe("hello");
  });

  test.each(["*.example.com", "API.example.com", "a_b", "127.1", "", "fe80::1%eth0", "../x"])("is not minted for %j", async (host) => {
    await expect(authority.contextFor(host)).rejects.toMatchObject({ code: "internal" });
  });

  test("is minted once for a host, and anew at half of its lifetime", async () => {
    const clock = new TestClock();
    const own = new LeafAuthority(await openCa(folder), tlsConfig.parse({}), clock);
    const [first, same] = await Promise.all([own.contextFor("api.example.com"), own.contextFor("api.example.com")]);
    expect(same).toBe(first);
    clock.advance(12 * 3_600_000 - 1);
    expect(await own.contextFor("api.example.com")).toBe(first);
    clock.advance(2);
    expect(await own.contextFor("api.example.com")).not.toBe(first);
  });
});

describe("the CA", () => {
  test("is made once, mode 0600, and found again", async () => {
    const first = await openCa(folder);
    expect((await openCa(folder)).caPem).toBe(first.caPem);
    expect(statSync(join(folder, "ca", "ca-key.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "ca")).mode & 0o777).toBe(0o700);
  });

  test("is the same for all who make it at once", async () => {
    const fresh = join(folder, "race");
    const cas = await Promise.all(Array.from({ length: 8 }, async () => openCa(fresh)));
    expect(new Set(cas.map(({ caPem }) => caPem)).size).toBe(1);
  });

  test("is not used if others may read its key", async () => {
    const open = join(folder, "open");
    await openCa(open);
    chmodSync(join(open, "ca", "ca-key.pem"), 0o644);
    await expect(openCa(open)).rejects.toThrow(/others may read/);
  });

  test.each([
    ["P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
    ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
    ["RSA", ["-newkey", "rsa:2048"]],
  ])("may be the operator's own: %s", async (_name, key) => {
    const [caCertFile, caKeyFile] = makeCa(key, ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
    const authority = new LeafAuthority(await openCa(folder, { caCertFile, caKeyFile }), tlsConfig.parse({}), systemClock);
    const leafFile = join(folder, "own-leaf.pem");
    writeFileSync(leafFile, await leafFor(authority, "api.example.com"));
    expect(spawnSync("openssl", ["verify", "-x509_strict", "-CAfile", caCertFile, "-verify_hostname", "api.example.com", leafFile], { encoding: "utf8" }).stdout).toContain(": OK");
  });

  test("is refused with the reason if it cannot serve", async () => {
    const [caCertFile, caKeyFile] = makeCa(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    const [otherCert] = makeCa(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    const [leafCert, leafKey] = makeCa(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-addext", "basicConstraints=critical,CA:FALSE"]);
    await expect(openCa(folder, { caCertFile: otherCert, caKeyFile })).rejects.toThrow(/the key is another certificate's/);
    await expect(openCa(folder, { caCertFile: leafCert, caKeyFile: leafKey })).rejects.toThrow(/it is no CA certificate/);
    await expect(openCa(folder, { caCertFile: caKeyFile, caKeyFile })).rejects.toThrow(/cannot use the CA certificate/);
    await expect(openCa(folder, { caCertFile: join(folder, "none"), caKeyFile })).rejects.toThrow(/no such file/);
    expect(readFileSync(caCertFile, "utf8")).toContain("BEGIN CERTIFICATE");
  });
});

let made = 0;
function makeCa(key: readonly string[], more: readonly string[] = []): [certificate: string, key: string] {
  made += 1;
  const [certificateFile, keyFile] = [join(folder, `own-${made}.pem`), join(folder, `own-${made}.key`)];
  execFileSync("openssl", ["req", "-x509", ...key, "-nodes", "-keyout", keyFile, "-out", certificateFile, "-subj", `/O=Own/CN=Own CA ${made}`, "-days", "30", ...more], { stdio: "ignore" });
  return [certificateFile, keyFile];
}
