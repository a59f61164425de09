import type { SqlDriver } from "../../common/sql/sql-driver.ts";
import type { ApprovalStore } from "./approval-store.ts";
import type { ApprovalsConfig } from "./config.ts";
import { migrate } from "./migrations.ts";
import { nodeNews } from "./node-news.ts";
import { messagesTable, outbox } from "./outbox.ts";
import { questionsTable } from "./questions-table.ts";
import { APPROVALS_CHANNEL } from "./signals.ts";
import { threadsTable } from "./threads-table.ts";

/**
 * Opens the store in the database that threads are kept in, with tables of its own beside theirs, which must be there: a thread's approvals end with it. It leaves the database open for the others.
 * @throws UserError if a newer controller wrote the tables; StoreUnavailable if the database does not answer
 */
export async function openApprovalStore(driver: SqlDriver, config: ApprovalsConfig): Promise<ApprovalStore> {
  await migrate(driver);
  const listeners = new Set<() => void>();
  const stopListening = await driver.listen(APPROVALS_CHANNEL, () => {
    for (const listener of [...listeners]) listener();
  });
  const post = outbox(config.webhook !== undefined, config.webhook?.link);
  return {
    ...questionsTable(driver, config, post), ...threadsTable(driver), ...nodeNews(driver), ...messagesTable(driver),
    onChange: (listener) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close: async () => {
      listeners.clear();
      await stopListening();
    },
  };
}
