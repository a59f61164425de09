import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { extract, pack } from "tar-stream";
import { TEMPORARY_PARENT } from "../common/own-folders.ts";
import { accessInputJsonSchema } from "../controller/access/access-input.ts";
import { contentRevision } from "../proxy/policy/bundle.ts";
import { CORRECTIONS } from "../proxy/policy/builtins/corrections.ts";
import { pinnedCapabilities, WASM_BUILTINS } from "../proxy/policy/capabilities.ts";
import { runOpa, type Opa } from "../proxy/policy/opa.ts";

const ENTRY_POINT = "weir/access/decision";
/** The controller supplies nothing to its policy, and puts nothing right: what is wrong in OPA's WebAssembly alone is kept away from it. */
const BUILTINS = WASM_BUILTINS.filter((builtin) => CORRECTIONS.every(({ name }) => name !== builtin));

/** The JSON Schema of the input of policies/access, as it is checked in. */
export function accessInputSchema(): string {
  return `${JSON.stringify(accessInputJsonSchema(), null, 2)}\n`;
}

/** Compiles policies/access, checked against the schema of its input, to a bundle. @returns the same bytes for the same sources */
export async function compileAccessPolicy(opa: Opa, policies: string): Promise<{ packed: Buffer; wasm: Buffer; revision: string }> {
  const work = await mkdtemp(join(TEMPORARY_PARENT, "weir-access-"));
  try {
    const [capabilities, schema, output] = [join(work, "capabilities.json"), join(work, "input.json"), join(work, "bundle.tar.gz")];
    await writeFile(capabilities, pinnedCapabilities((await runOpa(opa, ["capabilities", "--current"])).stdout, BUILTINS));
    await writeFile(schema, accessInputSchema());
    const sources = ["access", "--ignore", "*_test.rego"];
    await run(opa, ["check", "--strict", "--schema", schema, "--capabilities", capabilities, ...sources], policies);
    await run(opa, ["build", "-t", "wasm", "-e", ENTRY_POINT, "--revision", "compiled", "--capabilities", capabilities, "-o", output, ...sources], policies);
    const wasm = await wasmOf(await readFile(output));
    const revision = contentRevision(wasm, {});
    return { packed: await bundleOf(wasm, revision), wasm, revision };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function run(opa: Opa, args: readonly string[], cwd: string): Promise<void> {
  const { exitCode, stdout, stderr } = await runOpa(opa, args, { cwd });
  if (exitCode !== 0) throw new Error(`policies/access does not compile\n${stderr}${stdout}`);
}

/** The compiled policy of a bundle: what tells two bundles apart, whose compression differs by platform. */
export async function wasmOf(packed: Buffer): Promise<Buffer> {
  const tar = extract();
  tar.end(gunzipSync(packed));
  for await (const entry of tar) {
    const content = await buffer(entry);
    if (entry.header.name === "/policy.wasm") return content;
  }
  throw new Error("opa wrote no policy.wasm");
}

async function bundleOf(wasm: Buffer, revision: string): Promise<Buffer> {
  const manifest = { revision, roots: [""], wasm: [{ entrypoint: ENTRY_POINT, module: "/policy.wasm" }], rego_version: 1 };
  const tar = pack();
  for (const [name, content] of [["/.manifest", Buffer.from(JSON.stringify(manifest))], ["/data.json", Buffer.from("{}")], ["/policy.wasm", wasm]] as const) {
    tar.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, content);
  }
  tar.finalize();
  return promisify(gzip)(await buffer(tar), { level: 9 });
}
