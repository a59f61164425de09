import * as z from "zod";

export const exchangeConfig = z.strictObject({});
export type ExchangeConfig = z.output<typeof exchangeConfig>;
