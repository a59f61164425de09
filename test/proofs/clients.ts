import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildStage, type Finished, type Stage } from "../support/stage.ts";
import { CLIENTS, type Client } from "./clients/clients.ts";
import { HOST, SECRET, startDestination, type Destination } from "./clients/destination.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";

/**
 * Unmodified client programs in the sandbox against a TLS destination: each works, its credential is there upstream, and no byte that it
 * printed or wrote holds it, although the destination sends it back. The refusing twin of each asks a host that no rule names.
 */
export async function run({ print }: ProofOptions): Promise<ProofResult> {
  const stage = await buildStage();
  const destination = await startDestination(stage);
  configure(stage);
  let worked = 0;
  try {
    for (const client of CLIENTS) {
      const problem = await problemWith(client, stage, destination);
      print(`  ${problem === null ? "ok  " : "FAIL"} ${client.name}${problem === null ? "" : `: ${problem}`}`);
      if (problem === null) worked += 1;
    }
  } finally {
    await destination.close();
    stage.remove();
  }
  return { holds: worked === CLIENTS.length, figure: `${worked} of ${CLIENTS.length} clients work, credential present upstream, absent from what they got` };
}

function configure(stage: Stage): void {
  stage.configure({
    grants: {
      clients: {
        credential: { type: "file", path: stage.secretFile("token", SECRET) },
        inject: { header: "authorization", format: "Bearer {secret}" },
        bind: { hosts: [HOST], methods: ["GET", "POST", "HEAD"], paths: ["/**"] },
        env: { CLIENTS_TOKEN: "auto" },
      },
    },
  }, { hosts: [{ name: HOST, rule: "clients.all", methods: ["GET", "POST", "HEAD"], paths: ["/**"], grants: ["clients"] }] });
}

async function problemWith(client: Client, stage: Stage, destination: Destination): Promise<string | null> {
  const before = destination.seen.length;
  const work = join(stage.directory, "work");
  for (const [name, text] of Object.entries(client.files ?? {})) writeFileSync(join(work, name), text);
  const result = await stage.run(client.command, { cwd: work });
  const seen = destination.seen.slice(before);
  if (result.code !== 0) return `exit code ${result.code}: ${lastOf(result)}`;
  if (!client.expects.test(result.stdout)) return `printed ${JSON.stringify(result.stdout.slice(0, 200))}`;
  if (seen.length === 0) return "nothing arrived upstream";
  if (!seen.every((request) => request.hasCredential)) return "a request arrived without its credential";
  if (holdsSecret(Buffer.from(result.stdout + result.stderr))) return "it printed the credential";
  const leaky = filesBelow(work).find((file) => holdsSecret(readFileSync(file)));
  if (leaky !== undefined) return `the credential is in ${leaky}`;
  return refusedTwin(client, stage);
}

/** The same client at a host that no rule names must fail, and say which rule. */
async function refusedTwin(client: Client, stage: Stage): Promise<string | null> {
  const result = await stage.run(client.command.map((word) => word.replaceAll(HOST, "elsewhere.clients.test")), { cwd: join(stage.directory, "work") });
  if (result.code === 0) return "it was not refused at a host that no rule names";
  return result.stderr.includes("[hosts.default]") ? null : `the refusal does not name its rule: ${lastOf(result)}`;
}

/** The secret as it is, in base64 at each alignment, in hex, and reversed. */
function holdsSecret(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const raw = Buffer.from(SECRET);
  const encodings = [SECRET, raw.toString("hex"), [...SECRET].reverse().join(""), ...[0, 1, 2].map((skip) => raw.subarray(skip).toString("base64").slice(0, 40))];
  return encodings.some((encoded) => text.includes(encoded));
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function lastOf(result: Finished): string {
  return (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-3).join(" / ").slice(0, 400);
}
