const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** How long ago, in the largest unit of which there are two or more (`90s`, `3h`), as kubectl says it; `-` for no time or none that can be read. */
export function age(time: string | null | undefined, nowMs: number): string {
  const atMs = Date.parse(time ?? "");
  if (Number.isNaN(atMs)) return "-";
  const ageMs = Math.max(0, nowMs - atMs);
  const [unit, unitMs] = UNITS.find(([, ms]) => ageMs >= 2 * ms) ?? ["s", 1_000];
  return `${Math.floor(ageMs / unitMs)}${unit}`;
}
