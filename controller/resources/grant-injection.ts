import * as z from "zod";
import { LIST_SET } from "./structural.ts";

/** Ways of injection, each with fields of its own; the proxies' schema says which field goes with which. */
const TYPES = ["header", "basic", "query", "cookie", "git", "aws-sigv4", "client-certificate", "placeholder", "postgres"] as const;

const names = (length: number, most: number) => z.array(z.string().max(length)).min(1).max(most).optional().meta(LIST_SET);

export const grantInjection = z.strictObject({
  type: z.enum(TYPES).optional().describe("Way of injection; default the recipe's, else `header`."),
  header: z.string().max(128).optional().describe("`header`: field that is set; default `authorization`."),
  format: z.string().max(256).optional().describe("`header`: value of the field; `{secret}` is replaced. Default `Bearer {secret}`."),
  basicUser: z.string().max(256).optional().describe("`header`: if set, HTTP Basic with this user."),
  user: z.string().max(256).optional().describe("`basic`, `git`: user of HTTP Basic."),
  forge: z.enum(["github", "gitlab", "bitbucket"]).optional().describe("`git`: says which user stands beside the token."),
  parameter: z.string().max(128).optional().describe("`query`: parameter that is set."),
  name: z.string().max(128).optional().describe("`cookie`: cookie that is sent."),
  regions: names(64, 64).describe("`aws-sigv4`: regions for which requests are signed; `*` is any."),
  services: names(64, 64).describe("`aws-sigv4`: services for which requests are signed."),
  copiesObjects: z.boolean().optional().describe("`aws-sigv4`: requests to S3 may name any object that the key may read as their source."),
  in: z.array(z.enum(["header", "path", "query", "json", "websocket"])).min(1).max(5).optional().meta(LIST_SET).describe("`placeholder`: where placeholders are replaced."),
  headers: names(128, 16).describe("`placeholder`: fields in which they are replaced."),
  placeholder: z.string().max(512).optional().describe("`placeholder`: what is replaced; default the dummies of `env`."),
  bodyLimitBytes: z.int().min(1_024).max(64 * 1_024 * 1_024).optional().describe("`aws-sigv4`, `placeholder`: largest body that is held back, in bytes."),
  messageLimitBytes: z.int().min(1_024).max(16 * 1_024 * 1_024).optional().describe("`placeholder`: largest WebSocket message that is held back, in bytes."),
  username: z.string().max(63).optional().describe("`postgres`: user that the boundary logs in as; default the one that the source gives."),
}).prefault({}).describe("How it is put into a request.");
