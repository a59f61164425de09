import { join } from "node:path";
import { descendantsOf, type ProcessFacts } from "../../support/process-tree.ts";
import { runCommand } from "../../support/stage.ts";

/** The memory of a process, in a file. */
export interface Dump {
  readonly name: string;
  readonly path: string;
}

/** Takes the memory of the sidecar and of the agent out of the sandbox that runs below this process. @throws Error if one is not there or cannot be read */
export async function dumpSandbox(directory: string): Promise<Dump[]> {
  const below = descendantsOf(process.pid);
  return [
    await dump("sidecar", innermost(below, ({ command }) => /sidecar\S* .*--ends-with-stdin/.test(command)), directory),
    await dump("agent", innermost(below, ({ command }) => /^\S*node agent\.mjs /.test(command)), directory),
  ];
}

/** Wrappers of the sandbox have the same words on their command lines; the program itself is below all of them. */
function innermost(processes: readonly ProcessFacts[], isMeant: (process: ProcessFacts) => boolean): ProcessFacts | undefined {
  const meant = processes.filter(isMeant);
  return meant.find(({ pid }) => !meant.some(({ parent }) => parent === pid));
}

async function dump(name: string, process: ProcessFacts | undefined, directory: string): Promise<Dump> {
  if (process === undefined) throw new Error(`no ${name} is running`);
  const path = join(directory, `${name}.core`);
  const result = await runCommand("gdb", ["-batch", "-p", String(process.pid), "-ex", `generate-core-file ${path}`, "-ex", "detach"], { deadlineMs: 120_000 });
  if (!result.stdout.includes("Saved corefile")) throw new Error(`the memory of the ${name} cannot be read: ${result.stderr.slice(-500)}`);
  return { name, path };
}
