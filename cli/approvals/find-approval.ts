import { EXIT, UserError } from "../../common/exit-codes.ts";
import { oneLine } from "../terminal-text.ts";

/** Fewer characters than this behind `apr-` are a slip, or a variable of a shell that is not set. */
const FEWEST = 4;
const PREFIX = "apr-";

interface Sought {
  /** In words. */
  readonly what: string;
  /** Who did not answer, and may know it. */
  readonly troubles: readonly string[];
}

/** The one whose id begins with what was typed, with or without `apr-`. @throws UserError if there is none, or more than one */
export function findApproval<T extends { readonly id: string }>(typed: string, among: readonly T[], { what, troubles }: Sought): T {
  const wanted = typed.startsWith(PREFIX) ? typed : `${PREFIX}${typed}`;
  if (wanted.length < PREFIX.length + FEWEST) throw new UserError(`"${oneLine(typed)}" is too little of an id`, `Give at least ${FEWEST} characters of it; \`weir approvals\` lists them.`, EXIT.usage);
  const [found, another] = among.filter(({ id }) => id.startsWith(wanted));
  if (another !== undefined) throw new UserError(`${oneLine(typed)} is the beginning of several ids`, "Give more of the id.", EXIT.usage);
  if (found !== undefined) return found;
  if (troubles.length > 0) throw new UserError(`${oneLine(typed)} is not known where somebody answers, and this did not: ${troubles.map(oneLine).join("; ")}`, "Try again.", EXIT.unavailable);
  throw new UserError(`there is no ${what} ${oneLine(typed)}`, "`weir approvals` lists them; one that was answered, or whose time is over, is gone.", EXIT.failure);
}
