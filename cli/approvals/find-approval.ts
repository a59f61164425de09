import { EXIT, UserError } from "../../common/exit-codes.ts";
import { oneLine } from "../terminal-text.ts";

/** The one whose id begins with what was typed, with or without `apr-`. @throws UserError if there is none, or more than one */
export function findApproval<T extends { readonly id: string }>(typed: string, among: readonly T[], what: string): T {
  const wanted = typed.startsWith("apr-") ? typed : `apr-${typed}`;
  const [found, another] = among.filter(({ id }) => id.startsWith(wanted));
  if (found === undefined) throw new UserError(`there is no ${what} ${oneLine(typed)}`, "`weir approvals` lists them; one that was answered, or whose time is over, is gone.", EXIT.failure);
  if (another !== undefined) throw new UserError(`${oneLine(typed)} is the beginning of several ids`, "Give more of the id.", EXIT.usage);
  return found;
}
