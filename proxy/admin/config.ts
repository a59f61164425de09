import * as z from "zod";

export const adminConfig = z.strictObject({});
export type AdminConfig = z.output<typeof adminConfig>;
