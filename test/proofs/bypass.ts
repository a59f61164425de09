import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { attemptInPod } from "./bypass/pod.ts";
import { attemptInSandbox } from "./bypass/sandbox.ts";
import { Tally } from "./bypass/tally.ts";

/**
 * An agent tries every way out that is known (test/netns/lab/attempts.py), over IPv4 and IPv6, in a pod with a cable to its node and in
 * the local sandbox. It holds if each attempt ends as its row says, if not one packet but those of tagged connections was seen on the
 * node's side of the cable or in the world outside, if the rules were the same after each attempt, and if no socket of the host was reached.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const tally = new Tally(print);
  const rounds = quick ? 1 : 3;
  for (let round = 1; round <= rounds; round += 1) {
    await attemptInPod(tally);
    await attemptInSandbox(tally);
    print(`  round ${round} of ${rounds}: ${tally.figure()}`);
  }
  return { holds: tally.holds(), figure: tally.figure() };
}
