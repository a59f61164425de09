import { expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { run } from "../../proofs/rbac.ts";
import { PROGRAMS_OF_LEVEL } from "../../support/kube/control-plane.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

test.skipIf(programs === null)("the service accounts of the chart may do what the programs need, and nothing else (npm run verify:cluster builds the API server)", async () => {
  const lines: string[] = [];
  const { holds, figure } = await run({ quick: true, seed: 1, print: (line) => { lines.push(line); } });
  expect(holds, [...lines, figure].join("\n")).toBe(true);
});
