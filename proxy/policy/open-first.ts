import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { isUnfit } from "./bundles/unfit.ts";
import type { Offer, PolicySource } from "./policy-source.ts";
import type { PolicyStanding } from "./policy-standing.ts";
import type { Program } from "./program.ts";

/** A start does not wait longer for a server: there may be a bundle from before, and the server is asked again. */
const START_PATIENCE_MS = 5_000;
const NONE = "none";

/** A policy that decides, and of which content it is. */
export interface InForce {
  readonly program: Program;
  /** Of {@link Offer}. */
  readonly digest: string;
}

/**
 * Opens what is offered and remembers that it comes into force; nothing is left open if that fails.
 * @throws UserError, or Error if it may not come into force after all
 */
export async function takeUp(offer: Offer, open: (offer: Offer) => Promise<Program>): Promise<Program> {
  const program = await open(offer);
  try {
    await offer.remember?.();
    return program;
  } catch (error) {
    await program.close();
    throw error;
  }
}

/**
 * The policy to begin with: what its source has, else what was in force last, if the source keeps that.
 * @throws UserError if there is neither: a boundary does not start without its policy
 */
export async function openFirst(source: PolicySource, standing: PolicyStanding, open: (offer: Offer) => Promise<Program>): Promise<InForce> {
  const take = async (offer: Offer | null) => {
    if (offer === null) throw new Error(`${source.name} offers no policy`);
    const program = await takeUp(offer, open);
    standing.loaded(offer);
    return { program, digest: offer.digest };
  };
  try {
    const first = await take(await source.load(AbortSignal.timeout(START_PATIENCE_MS)));
    source.settled?.("done");
    return first;
  } catch (error) {
    source.settled?.(isUnfit(error) ? "done" : "again");
    const kept = await keptBy(source, error);
    standing.failed(error, kept?.bundle.revision ?? NONE);
    if (kept === null) throw error instanceof UserError ? error : unobtainable(source, error);
    return take(kept);
  }
}

async function keptBy(source: PolicySource, error: unknown): Promise<Offer | null> {
  try {
    return await source.kept?.() ?? null;
  } catch (cause) {
    const hint = "Publish a bundle that is fit; docs/bundles.md says what each refusal means.";
    throw new UserError(`${describeError(error)}; and ${describeError(cause)}`, hint, EXIT.config, { cause });
  }
}

function unobtainable({ name, isRemote }: PolicySource, cause: unknown): UserError {
  const hint = isRemote === true ? "Start the server of bundles, or check policy.service."
    : `Check ${name}: \`weir policy check\` looks at a folder, \`weir policy inspect\` at a bundle.`;
  return new UserError(`there is no policy to begin with: ${describeError(cause)}`, hint, EXIT.config, { cause });
}
