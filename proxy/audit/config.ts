import * as z from "zod";

export const auditConfig = z.strictObject({});
export type AuditConfig = z.output<typeof auditConfig>;
