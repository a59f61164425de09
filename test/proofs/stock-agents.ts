import { readEnvironment } from "../../common/config.ts";
import { obtainStockAgents } from "../../tools/stock-agents.ts";
import { buildStage } from "../support/stage.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { stockClients, type StockClient } from "./stock-agents/clients.ts";
import { judge, judgeAstray, judgeTwin, type Scene } from "./stock-agents/judge.ts";
import { configure, makeKeys, makeStandIns, secretsOf, type Keys } from "./stock-agents/providers.ts";
import { finderOf } from "./stock-agents/search.ts";
import { standInProblems } from "./stock-agents/self-check.ts";
import { startProviders } from "./stock-agents/stand-in.ts";

/** Clients that run at the same time: most of them wait more than they work. */
const LANES = 2;

type OpenScene = Scene & { close(): void };

/** What is noted in a scene is of one client at a time. */
interface Lane {
  readonly lent: OpenScene;
  readonly unlent: OpenScene;
}

/**
 * Stock agents and client libraries, unmodified and with dummy keys, do their work through `weir run` against stand-ins of their providers under
 * the real host names, which check what they are asked by the documentation and take the real credential alone. No byte that a client printed or
 * left in its home, nor the environment of any of its processes, holds that credential, although the providers send it back. The refusing twin of
 * each has the same policy less the grant.
 */
export async function run({ print }: ProofOptions): Promise<ProofResult> {
  const agents = await obtainStockAgents(readEnvironment(), print);
  const keys = makeKeys();
  const clients = stockClients(agents);
  const lanes: Lane[] = [];
  let worked = 0;
  try {
    for (let number = 0; number < LANES; number += 1) lanes.push({ lent: await openScene(keys, { isLent: true }), unlent: await openScene(keys, { isLent: false }) });
    const faults = await standInProblems(keys, placeOf(lanes[0]));
    if (faults.length > 0) return { holds: false, figure: `the stand-ins are not like their providers: ${faults.join("; ")}` };
    print("  the stand-ins take the real credentials, and turn the dummies away as their providers do");
    const waiting = [...clients];
    await Promise.all(lanes.map(async (lane) => {
      for (let client = waiting.shift(); client !== undefined; client = waiting.shift()) {
        const { problems, line } = await problemsWith(client, lane);
        if (problems.length === 0) worked += 1;
        print([`  ${problems.length === 0 ? "ok  " : "FAIL"} ${client.name}: ${line}`, ...problems.map((problem) => `         ${problem}`)].join("\n"));
      }
    }));
  } finally {
    for (const { lent, unlent } of lanes) for (const scene of [lent, unlent]) scene.close();
  }
  return { holds: worked === clients.length, figure: `${worked} of ${clients.length} stock clients work with dummy keys: real credential upstream, 0 occurrences of it in all that they saw` };
}

/** The client and its twin run at the same time: they share nothing. */
async function problemsWith(client: StockClient, { lent, unlent }: Lane): Promise<{ readonly problems: readonly string[]; readonly line: string }> {
  const startedAtMs = Date.now();
  const [{ problems, seen, searched }, twinProblems] = await Promise.all([judge(client, lent), judgeTwin(client, unlent)]);
  const all = [...problems, ...twinProblems, ...await judgeAstray(client, unlent)];
  const where = client.astray === undefined ? "" : " and at another host";
  const result = all.length === 0 ? `works (${seen}); 0 occurrences in ${searched}; refused without the grant${where}` : `saw: ${seen || "nothing"}`;
  return { problems: all, line: `${result} (${((Date.now() - startedAtMs) / 1_000).toFixed(1)} s)` };
}

function placeOf(lane: Lane | undefined): { readonly port: number; readonly caPem: string } {
  if (lane === undefined) throw new Error("there is no lane");
  return { port: lane.lent.provider.port, caPem: lane.lent.stage.authority.caPem };
}

async function openScene(keys: Keys, { isLent }: { readonly isLent: boolean }): Promise<OpenScene> {
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
