/** RFC 3454 tables, as Unicode properties give them: C.1.2 spaces, B.1 what maps to nothing, C.2 to C.9 what is not allowed. */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
const MAPPED_TO_NOTHING = /\u{ad}|\u{34f}|\u{1806}|\u{180b}|\u{180c}|\u{180d}|\u{200c}|\u{200d}|\u{2060}|[\u{fe00}-\u{fe0f}]|\u{feff}/gu;
const PROHIBITED = new RegExp([
  "\\p{Cc}", "\\p{Co}", "\\p{Cs}", "\\p{Noncharacter_Code_Point}", "\\u{340}", "\\u{341}", "\\u{6dd}", "\\u{70f}", "\\u{180e}", "\\u{200e}", "\\u{200f}",
  "[\\u{2028}-\\u{202e}]", "[\\u{2060}-\\u{2063}]", "[\\u{206a}-\\u{206f}]", "\\u{feff}", "[\\u{fff9}-\\u{fffd}]", "[\\u{2ff0}-\\u{2ffb}]",
  "[\\u{1d173}-\\u{1d17a}]", "\\u{e0001}", "[\\u{e0020}-\\u{e007f}]",
].join("|"), "u");
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;

/**
 * A password as both sides of SCRAM must spell it (RFC 4013). One that the profile does not allow is used as it is: so PostgreSQL does when it
 * stores a password, and only the same spelling opens.
 */
export function saslPrep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const prepared = password.replaceAll(OTHER_SPACES, " ").replaceAll(MAPPED_TO_NOTHING, "").normalize("NFKC");
  const isMixed = RIGHT_TO_LEFT.test(prepared) && (LEFT_TO_RIGHT.test(prepared) || !isRightToLeftAtBothEnds(prepared));
  return prepared === "" || PROHIBITED.test(prepared) || isMixed ? password : prepared;
}

function isRightToLeftAtBothEnds(text: string): boolean {
  const characters = Array.from(text);
  return RIGHT_TO_LEFT.test(characters[0] ?? "") && RIGHT_TO_LEFT.test(characters.at(-1) ?? "");
}
