import type { Row, SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import { notify } from "./signals.ts";
import type { ThreadStore } from "./thread-store.ts";

/** Which budget stops which thread; it is read with the thread's demand. */
export function exhaustionTable(driver: SqlDriver): Pick<ThreadStore, "noteExhaustion" | "forgetExhaustion"> {
  return {
    noteExhaustion: async (exhaustion) => {
      if (exhaustion.size === 0) return;
      const said = JSON.stringify([...exhaustion].map(([uid, lack]) => ({ uid, lack })));
      await driver.transaction(async (statements) => notifyAll(statements, await statements.query(
        `update threads t set exhaustion = a.lack from (select s->>'uid' as uid, nullif(s->'lack', 'null'::jsonb) as lack from jsonb_array_elements($1::jsonb) s) a
          where t.uid = a.uid and t.archived_at_ms is null and t.exhaustion is distinct from a.lack returning t.uid`, [said])));
    },
    forgetExhaustion: async (budget) => driver.transaction(async (statements) => notifyAll(statements, await statements.query(
      "update threads set exhaustion = null where exhaustion->>'budget' = $1 returning uid", [budget]))),
  };
}

async function notifyAll(statements: Statements, changed: readonly Row[]): Promise<void> {
  for (const { uid } of changed) await notify(statements, String(uid));
}
