import { readEnvironment } from "../common/config.ts";
import { openIo } from "./io.ts";
import { main } from "./main.ts";

await main(process.argv, openIo(readEnvironment()));
