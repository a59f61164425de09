import { readEnvironment } from "../../common/config.ts";
import { obtainStockAgents } from "../../tools/stock-agents.ts";
import { buildStage } from "../support/stage.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { stockClients, type StockClient } from "./stock-agents/clients.ts";
import { judge, judgeTwin, type Scene } from "./stock-agents/judge.ts";
import { configure, makeKeys, makeStandIns, secretsOf, type Keys } from "./stock-agents/providers.ts";
import { finderOf } from "./stock-agents/search.ts";
import { standInProblems } from "./stock-agents/self-check.ts";
import { startProviders } from "./stock-agents/stand-in.ts";

/**
 * Stock agents and client libraries, unmodified and with dummy keys, do their work through `weir run` against stand-ins of their providers under
 * the real host names, which check what they are asked by the documentation and take the real credential alone. No byte that a client printed or
 * left in its home, nor the environment of any of its processes, holds that credential, although the providers send it back. The refusing twin of
 * each has the same policy less the grant.
 */
export async function run({ print }: ProofOptions): Promise<ProofResult> {
  const agents = await obtainStockAgents(readEnvironment(), print);
  const keys = makeKeys();
  const lent = await openScene(keys, { isLent: true });
  const unlent = await openScene(keys, { isLent: false });
  const clients = stockClients(agents);
  let worked = 0;
  try {
    const faults = await standInProblems(keys, { port: lent.provider.port, caPem: lent.stage.authority.caPem });
    if (faults.length > 0) return { holds: false, figure: `the stand-ins are not like their providers: ${faults.join("; ")}` };
    print("  the stand-ins take the real credentials, and turn the dummies away as their providers do");
    for (const client of clients) {
      const { problems, line } = await problemsWith(client, lent, unlent);
      if (problems.length === 0) worked += 1;
      print(`  ${problems.length === 0 ? "ok  " : "FAIL"} ${client.name}: ${line}`);
      for (const problem of problems) print(`         ${problem}`);
    }
  } finally {
    for (const scene of [lent, unlent]) scene.close();
  }
  return { holds: worked === clients.length, figure: `${worked} of ${clients.length} stock clients work with dummy keys: real credential upstream, 0 occurrences of it in all that they saw` };
}

/** The client and its twin run at the same time: they share nothing. */
async function problemsWith(client: StockClient, lent: Scene, unlent: Scene): Promise<{ readonly problems: readonly string[]; readonly line: string }> {
  const startedAtMs = Date.now();
  const [{ problems, seen, searched }, twinProblems] = await Promise.all([judge(client, lent), judgeTwin(client, unlent)]);
  const all = [...problems, ...twinProblems];
  const result = all.length === 0 ? `works (${seen}); 0 occurrences in ${searched}; refused without the grant` : `saw: ${seen || "nothing"}`;
  return { problems: all, line: `${result} (${((Date.now() - startedAtMs) / 1_000).toFixed(1)} s)` };
}

async function openScene(keys: Keys, { isLent }: { readonly isLent: boolean }): Promise<Scene & { close(): void }> {
  const stage = await buildStage();
  const provider = await startProviders(stage, makeStandIns(keys, stage.directory));
  configure(stage, keys, { isLent });
  return {
    stage, provider, find: finderOf(secretsOf(keys)),
    close: () => {
      provider.close();
      stage.remove();
    },
  };
}
