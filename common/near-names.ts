const SHOWN = 3;
/** Letters of a part that is no accident: one letter is in many names. */
const SHORTEST_PART = 3;

/** The names that are most like a mistyped one, nearest first; none that would only confuse. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
  const most = Math.max(2, Math.ceil(wanted.length / 3));
  return names
    .map((name) => ({ name, distance: isPartOf(wanted, name) || isPartOf(name, wanted) ? 0 : editDistance(wanted, name) }))
    .filter(({ distance }) => distance <= most)
    .toSorted((one, other) => one.distance - other.distance)
    .slice(0, SHOWN).map(({ name }) => name);
}

const isPartOf = (part: string, whole: string): boolean => part.length >= SHORTEST_PART && whole.includes(part);

/** Levenshtein: letters put in, taken out or replaced. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of one.split("").entries()) {
    const next = [index + 1];
    for (const [column, against] of other.split("").entries()) {
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (row[column] ?? 0) + (letter === against ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
