import { readConfigFile } from "../config.ts";
import { EXIT, UserError } from "../exit-codes.ts";

/**
 * Reads the file that holds the URL of a PostgreSQL, which has a password in it and is no value of a configuration.
 * @throws UserError if there is no such file, or something else in it
 */
export function readPostgresUrl(path: string): string {
  const url = readConfigFile(path).trim();
  if (/^postgres(ql)?:\/\/\S+$/.test(url)) return url;
  throw new UserError(`${path} holds no URL of PostgreSQL`, "It is written postgres://USER:PASSWORD@HOST/DATABASE, nothing else in the file.", EXIT.config);
}
