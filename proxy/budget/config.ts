import * as z from "zod";

export const budgetConfig = z.strictObject({});
export type BudgetConfig = z.output<typeof budgetConfig>;
