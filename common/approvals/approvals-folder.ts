import { join } from "node:path";

/** Where one machine keeps what was allowed for threads, a file for each approval. No agent sees the folder. */
export function approvalsFolder(stateDirectory: string): string {
  return join(stateDirectory, "approvals");
}
