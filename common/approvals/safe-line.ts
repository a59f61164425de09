/** One line of a text that others chose (agents, users, servers), cut to a length in characters: nothing of it steers a terminal or turns the direction of reading. */
export function safeLine(text: string, length: number): string {
  // Cut first: no more than what is shown is looked at, however long the text is.
  const whole = text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return whole.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}]/gu, "?");
}
