/** Steers a terminal, turns the direction of reading, or is not seen: controls, what may be ignored when it is shown (Unicode, Default_Ignorable_Code_Point), the blank of Braille. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Marks that change another character: as languages write them, at most two behind a letter, and none that strikes it through or encloses it. */
const ODD_MARKS = /[\u0334-\u0338\p{Me}]|(?<![\p{L}\p{M}])\p{M}|(?<=\p{M}{2})\p{M}/gu;

/** One line of a text that others chose (agents, users, servers), cut to a length in characters: nothing of it steers a terminal, turns the direction of reading, hides or covers. */
export function safeLine(text: string, length: number): string {
  // Cut first: no more than what is shown is looked at, however long the text is.
  const whole = text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return whole.toWellFormed().replaceAll(UNSEEN, "?").replaceAll(ODD_MARKS, "?");
}
