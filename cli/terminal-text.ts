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

/** From here on a character may take two columns (Hangul, Han, Kana, emoji); one that takes fewer only ends its line early. */
const FIRST_WIDE = 0x1100;

/**
 * The line in pieces that fit into so many columns of a terminal, behind a blank where one is near; together they are the text. A terminal would go on at
 * the left edge, where a text of others could pass for ours.
 */
export function wrapped(text: string, columns: number): string[] {
  const pieces: string[] = [];
  let [piece, width] = ["", 0];
  for (const char of text) {
    const charWidth = widthOf(char);
    if (piece !== "" && width + charWidth > columns) {
      const end = piece.lastIndexOf(" ") + 1;
      const cut = end > piece.length / 2 ? end : piece.length;
      pieces.push(piece.slice(0, cut));
      [piece, width] = [piece.slice(cut), widthOf(piece.slice(cut))];
    }
    [piece, width] = [piece + char, width + charWidth];
  }
  return [...pieces, piece];
}

function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += (char.codePointAt(0) ?? 0) < FIRST_WIDE ? 1 : 2;
  return width;
}
