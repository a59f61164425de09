import * as z from "zod";

export const identityConfig = z.strictObject({});
export type IdentityConfig = z.output<typeof identityConfig>;
