import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BundleFolder } from "../../cli/policy/bundle-folder.ts";
import { openBundleServer } from "../../cli/policy/bundle-server.ts";
import { readEnvironment } from "../../common/config.ts";
import { Secret } from "../../common/secret.ts";
import { signBundle } from "../../proxy/policy/bundles/bundle-tool.ts";
import { packFiles, type BundleFiles } from "../../proxy/policy/bundles/files.ts";
import { verifySignature } from "../../proxy/policy/bundles/signature.ts";
import { requireOpa, runOpa, type Opa } from "../../proxy/policy/opa.ts";
import { freePort } from "../support/free-port.ts";
import { keysOf, policyFiles, signed, verifying } from "../support/signed-bundles.ts";
import { eventually } from "../support/whole-proxy.ts";
import { aFolder } from "./folders.ts";

const ALGORITHMS = [["ed25519", "EdDSA"], ["ed25519", "Ed25519"], ["p-256", "ES256"], ["rsa", "RS256"]] as const;
/** Everything that OPA's canonical form has an opinion on. */
const AWKWARD = '{ "b": [1.0, 1, 1e2, 12345678901234567890123], "a": "<&>\\u2028\\u0007\\b\\u007f/\\/", "\u{10000}": null, "\ufffd": {"z": {}, "y": []}, "dup": 1, "dup": 2 }';

let opa: Opa;

beforeAll(async () => { opa = await requireOpa(readEnvironment()); });

describe("what `opa sign` signed holds here", () => {
  test.each(ALGORITHMS)("by a key of the kind %s as %s, for its scope", async (kind, algorithm) => {
    const keys = keysOf(kind);
    const files = new Map([...await policyFiles({ hosts: [{ name: "api.example.com" }] }, "1"), ["data.json", Buffer.from(AWKWARD)]]);
    const folder = await laidOut(files, { "../key.pem": keys.privatePem, "../claims.json": "{\"scope\":\"prod\"}" });
    const run = await runOpa(opa, ["sign", "--signing-key", "../key.pem", "--signing-alg", algorithm, "--claims-file", "../claims.json", "--bundle", ".", "--output-file-path", ".."], { cwd: folder });
    expect(run).toMatchObject({ exitCode: 0 });
    const sealed = new Map([...files, [".signatures.json", await readFile(join(folder, "..", ".signatures.json"))]]);
    expect(await verifySignature(sealed, verifying({ release: keys }, "prod"))).toMatchObject({ keyId: "release" });
    await expect(verifySignature(sealed, verifying({ release: keysOf(kind) }, "prod"))).rejects.toThrow("does not hold");
    await expect(verifySignature(new Map([...sealed, ["data.json", Buffer.from("{}")]]), verifying({ release: keys }, "prod"))).rejects.toThrow("not what was signed");
  });
});

describe("what was signed here holds for `opa build --verification-key`", () => {
  test.each([["ed25519", "EdDSA"], ["p-256", "ES256"], ["rsa", "RS256"]] as const)("by a key of the kind %s as %s", async (kind, algorithm) => {
    const keys = keysOf(kind);
    const files = new Map([...await policyFiles({ hosts: [] }, "1"), ["data.json", Buffer.from(AWKWARD)]]);
    const folder = await aFolder({ "fit.tar.gz": await signed(files, keys, { scope: "prod" }), "other.tar.gz": await signed(files, keysOf(kind), { scope: "prod" }), "key.pub": keys.publicPem });
    const verify = (bundle: string) => runOpa(opa, ["build", "-b", bundle, "--verification-key", "key.pub", "--verification-key-id", "release", "--scope", "prod", "--signing-alg", algorithm, "-o", "out.tar.gz"], { cwd: folder });
    expect(await verify("fit.tar.gz")).toMatchObject({ exitCode: 0 });
    expect(await verify("other.tar.gz")).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("failed to verify JWT signature") });
  });
});

test("a real OPA loads a bundle that was signed here from our server, and takes up the next one by its tag", async () => {
  // The keys of OPA's configuration know no Ed25519; its command line does.
  const keys = keysOf("p-256");
  const directory = await aFolder({ "policy.tar.gz": await regoBundle(1, keys.privatePem) });
  const folder = new BundleFolder(directory);
  const server = await openBundleServer({ host: "127.0.0.1", port: 0, folder, readToken: new Secret("token-of-the-reader"), pushToken: null, tls: null, announce: () => undefined });
  onTestFinished(async () => server.close());
  const port = await freePort();
  startOpa({
    services: { weir: { url: server.url, credentials: { bearer: { token: "token-of-the-reader" } } } },
    keys: { release: { algorithm: "ES256", key: keys.publicPem } },
    bundles: { policy: { service: "weir", resource: "policy.tar.gz", signing: { keyid: "release" }, polling: { min_delay_seconds: 1, max_delay_seconds: 1 } } },
  }, port, directory);
  const says = async () => (await fetch(`http://127.0.0.1:${port}/v1/data/answer/number`).then(async (answer) => answer.json(), () => ({})) as { result?: number }).result;
  await eventually("OPA has the first bundle", async () => await says() === 1, 20_000);
  await folder.publish("policy.tar.gz", await regoBundle(2, keys.privatePem));
  await eventually("OPA has the second bundle", async () => await says() === 2, 20_000);
});

async function regoBundle(number: number, keyPem: string): Promise<Buffer> {
  const files: BundleFiles = new Map([
    [".manifest", Buffer.from(JSON.stringify({ revision: String(number), roots: ["answer"] }))], ["answer.rego", Buffer.from(`package answer\n\nnumber := ${number}\n`)],
  ]);
  return signBundle(await packFiles(files), { keyPem });
}

function startOpa(config: object, port: number, directory: string): void {
  const arguments_ = ["run", "--server", "--addr", `127.0.0.1:${port}`, "--log-level", "error", "--config-file", join(directory, "opa.json"), "--skip-version-check"];
  const started = writeFile(join(directory, "opa.json"), JSON.stringify(config)).then(() => spawn(opa.path, arguments_, { stdio: "ignore" }));
  onTestFinished(async () => end(await started));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** The files as `opa sign --bundle .` wants them, and others around them. */
async function laidOut(files: BundleFiles, around: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await aFolder({}), "bundle");
  await mkdir(folder);
  for (const [path, content] of [...files, ...Object.entries(around)]) await writeFile(join(folder, path), content);
  return folder;
}
