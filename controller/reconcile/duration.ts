const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `1h30m`. The pattern of `resources/meta.ts` has been checked: what matches no part counts nothing. */
export function durationMs(text: string): number {
  let sumMs = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)) sumMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return Math.round(sumMs);
}
