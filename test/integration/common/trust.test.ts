import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { writeTrust, type Trust } from "../../../common/trust.ts";
import { mintAuthority, type PemPair, type TestAuthority } from "../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../support/upstream-server.ts";

const CLIENT_DEADLINE_MS = 25_000;
const outer = readEnvironment();

interface Client {
  readonly name: string;
  /** The runtime; `needs` is what shows that it is there. */
  readonly needs: readonly string[];
  readonly command: (url: string, folder: string) => readonly string[];
  /** What this project's own machines always have: missing it with CI=1 is a failure. */
  readonly isBasic: boolean;
}

const PYTHON = { urllib: "import sys, urllib.request as u; u.urlopen(sys.argv[1])", requests: "import sys, requests as r; r.get(sys.argv[1])", httpx: "import sys, httpx as h; h.get(sys.argv[1])" };
const JAVA = `import java.net.URI; import java.net.http.*;
class Get { public static void main(String[] a) throws Exception {
  ((javax.net.ssl.HttpsURLConnection) URI.create(a[0]).toURL().openConnection()).getResponseCode();
  HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(a[0])).build(), HttpResponse.BodyHandlers.discarding()); } }`;

/** The first Python of this machine that has the module: the one on PATH need not be the system's. */
function pythonWith(module: string): string {
  return ["python3", "/usr/bin/python3"].find((python) => spawnSync(python, ["-c", `import ${module}`], { timeout: CLIENT_DEADLINE_MS, stdio: "ignore" }).status === 0) ?? "python3";
}

const CLIENTS: readonly Client[] = [
  { name: "curl", isBasic: true, needs: ["curl", "--version"], command: (url) => ["curl", "-sS", "--max-time", "10", url] },
  { name: "wget", isBasic: true, needs: ["wget", "--version"], command: (url) => ["wget", "-q", "--tries=1", "--timeout=10", "-O", "/dev/null", url] },
  { name: "git", isBasic: true, needs: ["git", "--version"], command: (url) => ["git", "ls-remote", url] },
  { name: "node https", isBasic: true, needs: [process.execPath, "--version"], command: (url) => [process.execPath, "-e", `require("node:https").get("${url}", (answer) => answer.resume())`] },
  { name: "node fetch", isBasic: true, needs: [process.execPath, "--version"], command: (url) => [process.execPath, "-e", `fetch("${url}").then((answer) => answer.text())`] },
  { name: "python urllib", isBasic: true, needs: ["python3", "-c", "import ssl"], command: (url) => ["python3", "-c", PYTHON.urllib, url] },
  { name: "python requests", isBasic: false, needs: [pythonWith("requests"), "-c", "import requests"], command: (url) => [pythonWith("requests"), "-c", PYTHON.requests, url] },
  { name: "python httpx", isBasic: false, needs: [pythonWith("httpx"), "-c", "import httpx"], command: (url) => [pythonWith("httpx"), "-c", PYTHON.httpx, url] },
  { name: "pip", isBasic: false, needs: ["python3", "-m", "pip", "--version"], command: (url, folder) => ["python3", "-m", "pip", "download", "--retries", "0", "--no-deps", "-d", folder, "--index-url", url, "nothing"] },
  { name: "npm", isBasic: false, needs: ["npm", "--version"], command: (url, folder) => ["npm", "view", "nothing", "--registry", url, "--fetch-retries=0", "--cache", join(folder, "npm")] },
  { name: "java", isBasic: false, needs: ["java", "--version"], command: (url, folder) => ["java", join(folder, "Get.java"), url] },
];

const isThere = ({ needs: [command = "", ...args] }: Client) => spawnSync(command, args, { timeout: CLIENT_DEADLINE_MS, stdio: "ignore" }).status === 0;
const missing = CLIENTS.filter((client) => !isThere(client));

let folder: string;
let authority: TestAuthority;
let leaf: PemPair;
let server: UpstreamServer;
let trust: Trust;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-trust-"));
  authority = await mintAuthority("Weir");
  leaf = await authority.leaf(["localhost", "127.0.0.1"]);
  server = await startUpstream(leaf);
  trust = await writeTrust({ caPem: authority.caPem, directory: join(folder, "trust") });
  await writeFile(join(folder, "Get.java"), JAVA);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Runs a client against a URL of its own. @returns whether its request arrived: what it makes of the answer does not matter */
async function arrives(client: Client, environment: Readonly<Record<string, string>>, at: UpstreamServer = server): Promise<boolean> {
  const before = at.requests.length;
  const [command = "", ...args] = client.command(`https://localhost:${at.port}/`, folder);
  const base = { PATH: outer["PATH"] ?? "", HOME: folder, GIT_TERMINAL_PROMPT: "0", PYENV_VERSION: outer["PYENV_VERSION"] ?? "", PYENV_ROOT: outer["PYENV_ROOT"] ?? "" };
  await promisify(execFile)(command, args, { env: { ...base, ...environment }, timeout: CLIENT_DEADLINE_MS, cwd: folder }).catch(() => {});
  return at.requests.length > before;
}

describe("an unmodified client", () => {
  test("is here, if it is one that every machine of this project has", () => {
    expect(missing.filter(({ isBasic }) => isBasic).map(({ name }) => name)).toEqual([]);
  });

  describe.each(CLIENTS)("$name", (client) => {
    test.skipIf(missing.includes(client))("trusts the boundary with the variables set, and does not without", { timeout: 60_000 }, async () => {
      expect(await arrives(client, {})).toBe(false);
      expect(await arrives(client, trust.environment)).toBe(true);
    });
  });
});

describe("the files", () => {
  test("hold our CA alone, and ours before all that the system trusts", async () => {
    const count = async (name: string) => ((await readFile(join(folder, "trust", name), "utf8")).match(/BEGIN CERTIFICATE/g) ?? []).length;
    expect(await readFile(join(folder, "trust/ca.crt"), "utf8")).toBe(authority.caPem);
    expect(await count("ca-bundle.crt")).toBeGreaterThan(50);
    expect((await readFile(trust.bundleFile, "utf8")).startsWith(authority.caPem.trim())).toBe(true);
  });

  test("can be read by everybody, and hold no key", async () => {
    for (const name of ["ca.crt", "ca-bundle.crt", "truststore.p12", "wgetrc", "apt.conf"]) {
      expect((await stat(join(folder, "trust", name))).mode & 0o777).toBe(0o644);
      expect(await readFile(join(folder, "trust", name), "latin1")).not.toContain("PRIVATE KEY");
    }
  });

  test("name paths as the agent sees them, not as they were written", async () => {
    const { environment, bundleFile } = await writeTrust({ caPem: authority.caPem, directory: join(folder, "elsewhere"), seenAt: "/run/weir/trust" });
    expect([environment["SSL_CERT_FILE"], bundleFile]).toEqual(["/run/weir/trust/ca-bundle.crt", join(folder, "elsewhere/ca-bundle.crt")]);
    expect(await readFile(join(folder, "elsewhere/wgetrc"), "utf8")).toBe("ca_certificate = /run/weir/trust/ca-bundle.crt\n");
  });

  test("pass the strict checks of OpenSSL together with a leaf", async () => {
    await writeFile(join(folder, "leaf.pem"), leaf.certPem);
    const said = execFileSync("openssl", ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile", join(folder, "trust/ca.crt"), join(folder, "leaf.pem")], { encoding: "utf8" });
    expect(said).toContain(": OK");
  });

  test("make a store for the JVM with every root of the bundle in it", async () => {
    const listed = execFileSync("openssl", ["pkcs12", "-in", join(folder, "trust/truststore.p12"), "-passin", "pass:changeit", "-nokeys"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 8 << 20 });
    const bundled = await readFile(trust.bundleFile, "utf8");
    expect(listed.match(/BEGIN CERTIFICATE/g)?.length).toBe(bundled.match(/BEGIN CERTIFICATE/g)?.length);
  });

  test("add to what Node trusts anyway", () => {
    const script = 'process.stdout.write(String(require("node:tls").getCACertificates("default").length))';
    const count = Number(execFileSync(process.execPath, ["-e", script], { env: { ...trust.environment }, encoding: "utf8" }));
    expect(count).toBeGreaterThan(50);
  });
});

describe("further roots of the operator", () => {
  test("are trusted too, also where a variable replaces all", async () => {
    const other = await mintAuthority("Corporate CA");
    const passedThrough = await startUpstream(await other.leaf(["localhost"]));
    try {
      await writeFile(join(folder, "corporate.pem"), `# a comment\r\n${other.caPem.replaceAll("\n", "\r\n")}`);
      const { environment } = await writeTrust({ caPem: authority.caPem, directory: join(folder, "with-extra"), extraCaFiles: [join(folder, "corporate.pem")] });
      const python = CLIENTS.find(({ name }) => name === "python urllib")!;
      expect(await arrives(python, trust.environment, passedThrough)).toBe(false);
      expect(await arrives(python, environment, passedThrough)).toBe(true);
    } finally {
      await passedThrough.close();
    }
  });

  test.each([["is missing", null], ["holds no certificate", "hello"], ["holds a damaged one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]])("are refused by name when the file %s", async (_name, content) => {
    const path = join(folder, "broken.pem");
    if (content !== null) await writeFile(path, content);
    await expect(writeTrust({ caPem: authority.caPem, directory: join(folder, "x"), extraCaFiles: [path] })).rejects.toThrow(path);
  });
});
