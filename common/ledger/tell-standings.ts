import type { Standing } from "./ledger-store.ts";

/** In few words, because a record is no table: the sums over all counts that are meant, exactly. */
export function tellStandings(standings: readonly Standing[]): string {
  const sum = (amount: (standing: Standing) => bigint) => standings.reduce((all, one) => all + amount(one), 0n);
  const limits = [...new Set(standings.map(({ limit }) => String(limit)))].slice(0, 4).join("|");
  return `counts ${standings.length}, limit ${limits}, spent ${sum(({ settled }) => settled)}, held ${sum(({ outstanding }) => outstanding)}, lost ${sum(({ lost }) => lost)}`;
}
