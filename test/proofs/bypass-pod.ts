import { AGENTS } from "../support/kube/boundary-lab.ts";
import type { Values } from "../support/kube/chart.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { Tally } from "./bypass/tally.ts";
import { askElsewhere, attemptAll, CANARY, dialAsSidecar, dialFromNode } from "./bypass-pod/attack.ts";
import { captureOutside, capturePod, inPod, leaksOfNode, leaksOfPod } from "./bypass-pod/capture.ts";
import { RESTRICTED, runRestricted } from "./bypass-pod/restricted.ts";
import { setScene, type Scene } from "./bypass-pod/scene.ts";
import { openClusterStage, type ClusterStage } from "./cluster/stage.ts";

/** Who writes the rules; a namespace where root may run, since the attacker is root. */
const MODES = {
  init: {},
  node: { redirect: { mode: "node" }, agentNamespaces: [{ name: AGENTS, create: true, podSecurity: "privileged" }, { name: RESTRICTED, create: true }] },
} as const satisfies Readonly<Record<string, Values>>;
type Mode = keyof typeof MODES;

/**
 * An agent that is root in its container tries every way out that is known: the rules, other users, the proxy with tokens of others, raw
 * sockets, other resolvers, node metadata, the API server, the kubelet, other pods, IPv6, ICMP, QUIC. It holds if every attempt fails, if packet
 * captures on the pod's cable and on the node's way out saw nothing but connections to the node proxy, and if the rules are the same as before.
 * In the long form also where the node writes the rules.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const tally = new Tally(print);
  const modes: readonly Mode[] = quick ? ["init"] : ["init", "node"];
  for (const mode of modes) await attackIn(mode, quick ? 1 : 3, { tally, print });
  return { holds: tally.holds(), figure: tally.figure() };
}

async function attackIn(mode: Mode, rounds: number, { tally, print }: { readonly tally: Tally; readonly print: (line: string) => void }): Promise<void> {
  const stage = await openClusterStage(print, MODES[mode]);
  try {
    const scene = await setScene(stage);
    for (let round = 1; round <= rounds; round += 1) {
      await attack(stage, scene, { tally, where: `mode ${mode}` });
      print(`  mode ${mode}, round ${round} of ${rounds}: ${tally.figure()}`);
    }
    await presentTokens(stage, scene, tally);
    if (mode === "node") for (const fault of await runRestricted(stage)) tally.fault(fault);
  } finally {
    await stage.stop();
  }
}

async function attack(stage: ClusterStage, scene: Scene, { tally, where }: { readonly tally: Tally; readonly where: string }): Promise<void> {
  const rules = await rulesOf(scene);
  const [cable, outside] = [await capturePod(stage.lab, scene.process), await captureOutside(stage.lab)];
  for (const one of await attemptAll(stage, scene)) tally.attempt(where, one);
  await askElsewhere(stage, scene);
  const [sent, left] = [await cable.end(), await outside.end()];
  tally.expect(sent.length > 0 && left.length > 0, "a capture saw nothing at all, not even what must be there");
  tally.leaked(where, `the attempts: ${leaksOfPod(sent).slice(0, 3).join(" | ")}`, leaksOfPod(sent).length);
  tally.leaked("node", `the attempts: ${leaksOfNode(left, stage.lab).slice(0, 3).join(" | ")}`, leaksOfNode(left, stage.lab).length);
  tally.expect(await rulesOf(scene) === rules, "the rules are others after the attempts");
  tally.expect(!stage.world.zone.questions.some((question) => question.includes(CANARY)), "a question of the agent reached a resolver outside");
}

/** By whom the proxy is dialled counts, not only what is shown to it; the pod's own sidecar is believed. */
async function presentTokens(stage: ClusterStage, scene: Scene, tally: Tally): Promise<void> {
  const own = await dialAsSidecar(stage, scene, scene.ownToken);
  tally.expect(own === "answered", `the sidecar's own words were ${own}: what follows would prove nothing`);
  for (const [name, outcome] of [
    ["as the sidecar, without a token", await dialAsSidecar(stage, scene, null)],
    ["as the sidecar, with another pod's token", await dialAsSidecar(stage, scene, scene.neighbour.token)],
    ["as the sidecar, with no token of anybody", await dialAsSidecar(stage, scene, "eyJhbGciOiJub25lIn0.e30.")],
    ["from the node, with the pod's token", await dialFromNode(stage, scene, scene.ownToken)],
    ["from the node, without a token", await dialFromNode(stage, scene, null)],
  ] as const) tally.attempt("proxy", { name, expect: "closed", outcome, ok: outcome === "closed" });
}

async function rulesOf(scene: Scene): Promise<string> {
  // Counters count, and are no rules.
  return (await inPod(scene.process, ["nft", "list", "ruleset"])).replaceAll(/packets \d+ bytes \d+/g, "");
}
