import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeAmount } from "../../common/meters.ts";
import type { Ask } from "./ask.ts";
import type { BudgetBook, Order } from "./budget-book.ts";
import { viewsOf, type BudgetView, type CountView } from "./budget-view.ts";
import { readAmount } from "./read-amount.ts";
import { readBudget } from "./read-budgets.ts";

/** What was typed. */
export interface AdjustWish {
  readonly kind: "set" | "topup" | "reset" | "approve";
  readonly name: string;
  readonly amount?: string;
  /** Only the count of these: as the column FOR says it. */
  readonly who?: string | undefined;
  readonly why?: string | undefined;
  readonly isConfirmed: boolean;
}

/** What a word on a budget did. */
export interface Adjusted {
  readonly before: BudgetView;
  readonly after: BudgetView;
  readonly why: string;
}

/** As `set` takes it for the limit that is written in the configuration. */
export const CONFIGURED = "configured";

/** Changes a budget as wished. Asks for what was not said, where there is somebody to ask. @throws UserError */
export async function adjustBudget(book: BudgetBook, wish: AdjustWish, ask: Ask): Promise<Adjusted> {
  const { view: before, standings } = await readBudget(book, wish.name);
  const key = wish.who === undefined ? undefined : keyOf(before, wish.who);
  const change = changeOf(before, wish);
  if (standings.length === 0) {
    throw new UserError(`nobody has used ${before.budget} yet, so that there is no count to adjust`, "Change its limit where it is written, or come back after the first request.", EXIT.failure);
  }
  if (wish.kind === "approve" && before.counts.every(({ waitsAtPercent }) => waitsAtPercent === null)) {
    throw new UserError(`no threshold of ${before.budget} waits for anybody`, `\`weir budget show ${before.budget}\` says how it stands.`, EXIT.failure);
  }
  const why = await reason(wish, ask);
  if (wish.kind === "reset" && !wish.isConfirmed) await confirm(before, key, ask);
  const order: Order = { budget: before.budget, why, ...change, ...(key === undefined ? {} : { key }) };
  const changed = await book.adjust(order, standings.filter(({ account }) => key === undefined || account.key === key));
  const [after] = viewsOf(changed, book.configured, before.budget);
  return { before, after: after ?? before, why };
}

type Change = { readonly kind: "set"; readonly limit: bigint | null } | { readonly kind: "topup"; readonly amount: bigint } | { readonly kind: "reset" | "approve" };

function changeOf({ meter }: BudgetView, { kind, amount = "" }: AdjustWish): Change {
  switch (kind) {
    case "set": return { kind, limit: amount === CONFIGURED ? null : readAmount(meter, amount) };
    case "topup": {
      const more = readAmount(meter, amount);
      if (more === 0n) throw new UserError("nothing would be added", "Give an amount above 0; to take away, set a lower limit.", EXIT.usage);
      return { kind, amount: more };
    }
    case "reset": case "approve": return { kind };
  }
}

function keyOf({ budget, counts }: BudgetView, who: string): string {
  const key = counts.find((count) => count.who === who)?.key;
  if (typeof key === "string") return key;
  throw new UserError(`${budget} keeps no count for ${who}`, `\`weir budget show ${budget}\` lists them under FOR.`, EXIT.failure);
}

async function reason({ kind, name, why }: AdjustWish, ask: Ask): Promise<string> {
  const said = why ?? await ask(`Why ${kind} ${name}? It goes on record: `);
  if (said !== null && said.trim() !== "") return said.trim();
  throw new UserError("it is not said why", "Give --why TEXT: it goes on record.", EXIT.usage);
}

async function confirm({ budget, meter, counts }: BudgetView, key: string | undefined, ask: Ask): Promise<void> {
  const meant = counts.filter((count) => key === undefined || count.key === key);
  const sum = (amount: (count: CountView) => bigint) => describeAmount(meter, meant.reduce((all, count) => all + amount(count), 0n));
  const lost = meant.some((count) => count.lost > 0n) ? `, and ${sum((count) => count.lost)} that may have been are written off` : "";
  const answer = await ask(`${sum(({ spent }) => spent)} that were spent from ${budget} in this window no longer count${lost}. Reset? [y/N] `);
  if (answer === null) throw new UserError("a reset must be confirmed", "Give --yes.", EXIT.usage);
  if (!/^y(es)?$/i.test(answer)) throw new UserError("nothing was reset", "Answer y to go on.", EXIT.failure);
}
