import * as z from "zod";

export const grantsConfig = z.record(z.string(), z.strictObject({}));
export const credentialsConfig = z.strictObject({});
