import * as z from "zod";

export const policyConfig = z.strictObject({});
export type PolicyConfig = z.output<typeof policyConfig>;
