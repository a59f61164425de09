/**
 * Writes what is generated from sources and checked in: `policies/schemas/` and the bundles in `policies/dist/`.
 * Run after a change under policies/ or of the policy input: `node scripts/build-policy.ts`. Needs `opa`, or Go to build it.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readEnvironment } from "../common/config.ts";
import { writeBundle } from "../proxy/policy/bundle.ts";
import { compileLibrary } from "../proxy/policy/compile-policy.ts";
import { dataJsonSchema } from "../proxy/policy/data.ts";
import { inputJsonSchema } from "../proxy/policy/input-schema.ts";
import { obtainOpa } from "../proxy/policy/opa.ts";
import { accessInputSchema, compileAccessPolicy } from "./access-policy.ts";

const policies = join(import.meta.dirname, "..", "policies");
const say = (line: string) => { process.stderr.write(`${line}\n`); };

// In a folder of its own: `opa test policies` merges the JSON files of one folder and would find a conflict.
await mkdir(join(policies, "schemas", "data"), { recursive: true });
await mkdir(join(policies, "schemas", "access"), { recursive: true });
// In a folder of its own, too: two bundles in one contradict each other in what `opa test policies` makes of their manifests.
await mkdir(join(policies, "dist", "access"), { recursive: true });
await writeFile(join(policies, "schemas", "input.json"), `${JSON.stringify(inputJsonSchema(), null, 2)}\n`);
await writeFile(join(policies, "schemas", "data", "schema.json"), `${JSON.stringify(dataJsonSchema(), null, 2)}\n`);
const opa = await obtainOpa(readEnvironment(), say);
const bundle = await compileLibrary(opa);
await writeFile(join(policies, "dist", "default.tar.gz"), await writeBundle(bundle));
say(`policies/dist/default.tar.gz: revision ${bundle.revision}, opa ${opa.version}`);
const access = await compileAccessPolicy(opa, policies);
await writeFile(join(policies, "schemas", "access", "input.json"), accessInputSchema());
await writeFile(join(policies, "dist", "access", "bundle.tar.gz"), access.packed);
say(`policies/dist/access/bundle.tar.gz: revision ${access.revision}`);
