/** What the ledger says of one account. Nano-dollars. */
export interface LedgerView {
  /** As the stand-in's books call it. */
  readonly payer: string;
  readonly limit: bigint;
  readonly settled: bigint;
  /** Of what is settled. */
  readonly estimated: bigint;
  readonly outstanding: bigint;
  readonly lost: bigint;
}

/** One look at both books: first at what was generated, then at the ledger, which must cover it. */
export interface Sample {
  readonly atMs: number;
  readonly spent: ReadonlyMap<string, bigint>;
  readonly ledger: readonly LedgerView[];
}

/** A refusal that must be exact: nothing else was open when it was given. */
export interface ExactRefusal {
  /** Those whose budgets were asked. */
  readonly payers: readonly string[];
  /** No request like the one refused can be held for less; nano-dollars. */
  readonly heldNano: bigint;
}

/**
 * What is wrong at one moment: a budget that paid more than its limit by the provider's own count, a ledger that promises more than it has,
 * or money that was spent and that nobody holds. A budget of which the ledger knows nothing may have paid nothing.
 */
export function judgeSample({ spent, ledger }: Sample): readonly string[] {
  const views = new Map(ledger.map((view) => [view.payer, view]));
  const unknown = [...spent].filter(([payer, nano]) => nano > 0n && !views.has(payer)).map(([payer, nano]) => `${payer} paid ${nano} of a budget that the ledger does not know`);
  return [...unknown, ...ledger.flatMap((view) => judgeView(view, spent.get(view.payer) ?? 0n))];
}

function judgeView({ payer, limit, settled, outstanding, lost }: LedgerView, spent: bigint): readonly string[] {
  const problems: string[] = [];
  const promised = settled + outstanding + lost;
  if (spent > limit) problems.push(`${payer} OVERSPENT by ${spent - limit}: ${spent} of ${limit}`);
  if (promised > limit) problems.push(`the ledger promises ${promised} of ${payer}'s ${limit}`);
  if (spent > promised) problems.push(`${payer} paid ${spent}, of which the ledger holds ${promised}`);
  return problems;
}

/** What is wrong once all is over: money that is still held, or a count that is not the provider's but for what is marked as an estimate. */
export function judgeEnd({ spent, ledger }: Sample): readonly string[] {
  return ledger.flatMap(({ payer, settled, estimated, outstanding, lost }) => {
    const truth = spent.get(payer) ?? 0n;
    const problems: string[] = [];
    if (outstanding + lost > 0n) problems.push(`${payer}: ${outstanding + lost} are stuck`);
    if (settled < truth) problems.push(`${payer} is charged ${settled} for ${truth}`);
    if (settled - estimated > truth) problems.push(`${payer} is charged ${settled - estimated} that are no estimates for ${truth}`);
    return problems;
  });
}

/** A refusal is exact if one of the budgets had less left than the request must hold. @returns what is wrong with those that are not */
export function judgeRefusals(refusals: readonly ExactRefusal[], ledger: readonly LedgerView[]): readonly string[] {
  const left = new Map(ledger.map(({ payer, limit, settled, outstanding, lost }) => [payer, limit - settled - outstanding - lost]));
  return refusals.filter(({ payers, heldNano }) => payers.every((payer) => (left.get(payer) ?? heldNano) >= heldNano))
    .map(({ payers, heldNano }) => `refused ${heldNano}, though there is left ${payers.map((payer) => `${payer}: ${left.get(payer) ?? "all"}`).join(", ")}`);
}
