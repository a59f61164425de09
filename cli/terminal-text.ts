/** One line of a text that others chose (agents, users, servers): nothing of it may steer the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** The lines of a text that others chose; each is safe to print. Tabs become two spaces. */
export function safeLines(text: string): string[] {
  return text.replaceAll("\t", "  ").split(/\r?\n/).map(oneLine);
}

/** The line, cut to a width in characters. */
export function fitted(text: string, width: number): string {
  const safe = oneLine(text);
  return safe.length > width ? `${safe.slice(0, width - 1)}…` : safe;
}
