import type { SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import { relationRow } from "./rows.ts";
import { notify } from "./signals.ts";
import { RELATION_LIMIT, TooManyRelations, type Relation, type ThreadStore } from "./thread-store.ts";

type Relations = Pick<ThreadStore, "relate" | "unrelate" | "relations" | "relationsOf">;

export function relationsTable(driver: SqlDriver): Relations {
  const relationsOf: Relations["relationsOf"] = async (objectKind, objects) => {
    const rows = objects.length === 0 ? [] : await driver.query(
      `select object_kind, object, relation, subject from relations
        where object_kind = $1 and object = any($2::text[]) order by object, relation, subject`, [objectKind, objects]);
    const found = Map.groupBy(rows.map(relationRow), ({ object }) => object);
    return new Map(objects.map((object) => [object, found.get(object) ?? []]));
  };
  return {
    relate: async (relation) => driver.transaction(async (statements) => relate(statements, relation)),
    unrelate: async (relation) => driver.transaction(async (statements) => {
      const gone = await statements.query(
        "delete from relations where object_kind = $1 and object = $2 and relation = $3 and subject = $4 returning subject", valuesOf(relation));
      if (gone.length > 0) await tell(statements, relation);
      return gone.length > 0;
    }),
    relations: async (objectKind, object) => (await relationsOf(objectKind, [object])).get(object) ?? [],
    relationsOf,
  };
}

/** The lock makes those who add to the same object wait for each other: the limit is one for all of them. */
async function relate(statements: Statements, relation: Relation): Promise<void> {
  await statements.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`relations ${relation.objectKind} ${relation.object}`]);
  const existing = await statements.query(
    "select relation, subject from relations where object_kind = $1 and object = $2", [relation.objectKind, relation.object]);
  if (existing.some((row) => row["relation"] === relation.relation && row["subject"] === relation.subject)) return;
  if (existing.length >= RELATION_LIMIT) throw new TooManyRelations(`${relation.objectKind} ${relation.object} has ${RELATION_LIMIT} relations already`);
  await statements.query("insert into relations (object_kind, object, relation, subject) values ($1, $2, $3, $4)", valuesOf(relation));
  await tell(statements, relation);
}

async function tell(statements: Statements, { objectKind, object }: Relation): Promise<void> {
  if (objectKind === "thread") await notify(statements, object);
}

function valuesOf({ objectKind, object, relation, subject }: Relation): readonly string[] {
  return [objectKind, object, relation, subject];
}
