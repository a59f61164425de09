import { helmRelease } from "../support/kube/chart.ts";
import { callKube } from "../support/kube/cluster-connection.ts";
import { startControlPlane, type ControlPlane } from "../support/kube/control-plane.ts";
import { LENT_SECRET, NEEDS, PATHS, type Program } from "../support/kube/permissions.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { ATTEMPTS } from "./rbac/attempts.ts";
import { allQuestions, isExpected, NAMESPACES } from "./rbac/expected.ts";
import { describeQuestion, Questioner, type Kind, type Question } from "./rbac/questions.ts";

const PROGRAMS: readonly Program[] = ["proxy", "controller", "redirect"];
const FORBIDDEN_PATHS = ["/metrics", "/logs", "/debug/pprof/", "/configz"];

/**
 * The chart is installed on a real API server. Then everything that could be asked of that server (each verb of each kind and subresource,
 * in the installation's namespace, an agents' namespace, another one and all of them) is asked in the name of each service account: what is
 * allowed beyond what every account may do is exactly what the list of needs says, no more and no less. Worst attempts are made for real.
 */
export async function run({ print }: ProofOptions): Promise<ProofResult> {
  const plane = await startControlPlane({ level: 1 });
  const questioner = new Questioner(plane.admin);
  try {
    for (const name of Object.values(NAMESPACES)) await plane.createNamespace(name);
    const values = { agentNamespaces: [{ name: NAMESPACES.agents }], redirect: { mode: "node" }, proxy: { secrets: [{ namespace: NAMESPACES.agents, names: [LENT_SECRET] }] } };
    await helmRelease("install", [], { kubeconfig: plane.adminKubeconfig, values });
    const kinds = await questioner.kinds();
    const wrong: string[] = [];
    let asked = 0;
    let allowed = 0;
    for (const program of PROGRAMS) {
      const told = await compare(questioner, program, kinds);
      print(`  weir-${program}: ${told.asked} questions, ${told.allowed} allowed, ${told.wrong.length} not as listed`);
      wrong.push(...told.wrong);
      asked += told.asked;
      allowed += told.allowed;
    }
    const attempts = await attempt(plane);
    print(`  attempts: ${attempts.made} made in the programs' names, ${attempts.wrong.length} not refused`);
    wrong.push(...attempts.wrong);
    for (const line of wrong) print(`  ${line}`);
    return { holds: wrong.length === 0 && allowed > 0, figure: `${asked} questions, ${allowed} allowed, each of them needed; ${attempts.made} attempts refused; ${wrong.length} wrong` };
  } finally {
    await questioner.close();
    await plane.stop();
  }
}

interface Told {
  readonly asked: number;
  readonly allowed: number;
  readonly wrong: readonly string[];
}

/** Beside what an account without any role may do. */
async function compare(questioner: Questioner, program: Program, kinds: readonly Kind[]): Promise<Told> {
  const needs = NEEDS[program];
  const questions = allQuestions(kinds, needs);
  const account = userOf(`weir-${program}`);
  const anybody = new Set((await questioner.allowed(userOf("nobody"), GROUPS, questions)).map(describeQuestion));
  const granted = (await questioner.allowed(account, GROUPS, questions)).filter((question) => !anybody.has(describeQuestion(question)));
  const names = new Set(granted.map(describeQuestion));
  const missing = questions.filter((question) => isExpected(question, needs) && !names.has(describeQuestion(question)) && !anybody.has(describeQuestion(question)));
  const surplus = granted.filter((question) => !isExpected(question, needs));
  return { asked: questions.length, allowed: granted.length, wrong: [...lines(`weir-${program} may not, but needs to:`, missing), ...lines(`weir-${program} may, and does not need to:`, surplus), ...await comparePaths(questioner, program)] };
}

async function comparePaths(questioner: Questioner, program: Program): Promise<string[]> {
  const wrong: string[] = [];
  for (const path of PATHS[program]) if (!await questioner.mayRead(userOf(`weir-${program}`), GROUPS, path)) wrong.push(`weir-${program} may not read ${path}`);
  for (const path of FORBIDDEN_PATHS) if (await questioner.mayRead(userOf(`weir-${program}`), GROUPS, path)) wrong.push(`weir-${program} may read ${path}`);
  return wrong;
}

/** The same by requests: what a taken-over program would try first. Refused means 403 by RBAC, before anything else looks at it. */
async function attempt(plane: ControlPlane): Promise<{ readonly made: number; readonly wrong: readonly string[] }> {
  const wrong: string[] = [];
  for (const program of PROGRAMS) {
    const identity = await plane.identity(userOf(`weir-${program}`), GROUPS);
    for (const { method, path, body } of ATTEMPTS) {
      const { status, body: answer } = await callKube(identity, method, path, body);
      if (status !== 403 || !String(answer["message"]).includes(`User "${userOf(`weir-${program}`)}" cannot`)) wrong.push(`weir-${program}: ${method} ${path} was answered ${status}`);
    }
  }
  return { made: ATTEMPTS.length * PROGRAMS.length, wrong };
}

const GROUPS = ["system:serviceaccounts", `system:serviceaccounts:${NAMESPACES.own}`, "system:authenticated"] as const;

function userOf(account: string): string {
  return `system:serviceaccount:${NAMESPACES.own}:${account}`;
}

function lines(what: string, questions: readonly Question[]): string[] {
  return questions.map((question) => `${what} ${describeQuestion(question)}`);
}
