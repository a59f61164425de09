import { describeUpstream } from "./upstream-contract.ts";

describeUpstream("undici", (stage) => stage.upstream());
