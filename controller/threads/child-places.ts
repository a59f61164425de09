import { describeAmount, type Amounts, type MeterName } from "../../common/meters.ts";
import type { Row, Statements } from "../../common/sql/sql-driver.ts";
import { AllowanceTaken, ThreadGone, type Carving, type ChildPlace } from "./thread-store.ts";

/** A place that nobody took: whoever held it has failed or ended. Creating a resource takes seconds at most. */
const PLACE_LAPSES_AFTER_MS = 60_000;

export async function countChildren(statements: Statements, parentUid: string, agent: string | null): Promise<number> {
  const [row] = await statements.query(
    "select count(*) as children from threads where parent_uid = $1 and archived_at_ms is null and ($2::text is null or agent = $2)", [parentUid, agent]);
  return Number(row?.["children"]);
}

/** The lock on the parent's row makes those who ask at once wait for each other: two of them cannot both get the last place, or the last dollar. */
export async function reserveChild(statements: Statements, child: ChildPlace, nowMs: number): Promise<boolean> {
  const { parentUid, name, agent, limit } = child;
  const parents = await statements.query("select uid from threads where uid = $1 and archived_at_ms is null for update", [parentUid]);
  if (parents.length === 0) throw new ThreadGone(`thread ${parentUid} is no more`);
  const same = await statements.query("select uid from threads where parent_uid = $1 and name = $2 and archived_at_ms is null", [parentUid, name]);
  if (same.length > 0) return true;
  const lapsedMs = nowMs - PLACE_LAPSES_AFTER_MS;
  const [held] = await statements.query(
    "select count(*) as places from child_places where parent_uid = $1 and agent = $2 and name <> $3 and taken_at_ms > $4", [parentUid, agent, name, lapsedMs]);
  if (await countChildren(statements, parentUid, agent) + Number(held?.["places"]) >= limit) return false;
  if (child.allowance !== undefined) await carve(statements, { parentUid, name, lapsedMs }, child.allowance);
  await statements.query(
    `insert into child_places (parent_uid, name, agent, taken_at_ms) values ($1, $2, $3, $4)
      on conflict (parent_uid, name) do update set taken_at_ms = excluded.taken_at_ms`, [parentUid, name, agent, nowMs]);
  return true;
}

interface Carved {
  readonly parentUid: string;
  readonly name: string;
  /** Places that were taken before do not count any more. */
  readonly lapsedMs: number;
}

/** Notes what the child gets. @throws AllowanceTaken if that, with what its living siblings got, is more than there is */
async function carve(statements: Statements, { parentUid, name, lapsedMs }: Carved, allowance: Carving): Promise<void> {
  const rows = await statements.query(
    `select a.allowance from child_allowances a where a.parent_uid = $1 and a.name <> $2 and (
      exists (select 1 from threads t where t.parent_uid = a.parent_uid and t.name = a.name and t.archived_at_ms is null)
      or exists (select 1 from child_places p where p.parent_uid = a.parent_uid and p.name = a.name and p.taken_at_ms > $3))`, [parentUid, name, lapsedMs]);
  for (const [meter, wanted] of Object.entries(allowance.wanted) as [MeterName, bigint][]) {
    const free = freeOf(meter, allowance, rows);
    if (free === null || wanted <= free) continue;
    throw new AllowanceTaken(`of its own allowance the thread can still give away ${describeAmount(meter, free)}, and ${describeAmount(meter, wanted)} was asked for`);
  }
  await statements.query(
    `insert into child_allowances (parent_uid, name, allowance) values ($1, $2, $3::jsonb)
      on conflict (parent_uid, name) do update set allowance = excluded.allowance`, [parentUid, name, digitsOf(allowance.wanted)]);
}

/** Null: the parent has no limit of that kind. */
function freeOf(meter: MeterName, { most, left }: Carving, others: readonly Row[]): bigint | null {
  const limit = most[meter];
  if (limit === undefined) return left[meter] ?? null;
  const given = others.reduce((sum, row) => sum + givenIn(row, meter), 0n);
  const kept = given > limit ? 0n : limit - given;
  const known = left[meter];
  return known !== undefined && known < kept ? known : kept;
}

/** Written by {@link reserveChild} alone. */
function givenIn(row: Row, meter: MeterName): bigint {
  const allowance = row["allowance"] as Readonly<Partial<Record<MeterName, string>>>;
  return BigInt(allowance[meter] ?? 0);
}

const digitsOf = (amounts: Amounts): string => JSON.stringify(Object.fromEntries(Object.entries(amounts).map(([meter, amount]) => [meter, amount.toString()])));
