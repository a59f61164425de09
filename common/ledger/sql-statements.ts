import { ACCOUNT_COLUMNS, SLICE_COLUMNS, WINDOW_COLUMNS } from "./sql-rows.ts";

/** Keys are locked and listed by their bytes, whatever the database's language is. */
const BY_KEY = 'key collate "C"';

/** $1 specs. Sorted, so that two who make the same accounts wait for each other and not in a circle. */
export const ENSURE_ACCOUNTS = `insert into ledger_accounts (key, budget, meter, configured_limit, window_kind, timezone, thresholds)
  select key, budget, meter, configured_limit, window_kind, timezone, thresholds
  from json_to_recordset($1::text::json) as p(key text, budget text, meter text, configured_limit bigint, window_kind text, timezone text, thresholds text)
  order by ${BY_KEY} on conflict (key) do nothing`;

/** $1 keys */
export const LOCK_ACCOUNTS = `select ${ACCOUNT_COLUMNS} from ledger_accounts a where a.key = any($1::text[]) order by a.${BY_KEY} for update of a`;

/** $1 places in order, $2 holder */
export const READ_PLACES = `select ${WINDOW_COLUMNS}, ${SLICE_COLUMNS}
  from json_to_recordset($1::text::json) as p(index integer, key text, start_ms bigint)
  left join ledger_windows w on w.key = p.key and w.start_ms = p.start_ms
  left join ledger_slices s on s.key = p.key and s.window_start_ms = p.start_ms and s.holder = $2
  order by p.index`;

/** $1 key, $2 start of the window */
export const SLICES_IN = `select ${SLICE_COLUMNS} from ledger_slices s where s.key = $1 and s.window_start_ms = $2::bigint and not s.is_over`;

/** $1 accounts, which exist; $2 windows; $3 slices. One statement: a round trip is what a change mostly costs. */
export const SAVE = `with
  saved_accounts as (
    update ledger_accounts a set configured_limit = p.configured_limit, window_kind = p.window_kind, timezone = p.timezone, thresholds = p.thresholds,
      set_limit = p.set_limit, open_start_ms = p.open_start_ms, open_end_ms = p.open_end_ms
    from json_to_recordset($1::text::json) as p(key text, configured_limit bigint, window_kind text, timezone text, thresholds text,
      set_limit bigint, open_start_ms bigint, open_end_ms bigint)
    where a.key = p.key),
  saved_windows as (
    insert into ledger_windows (key, start_ms, end_ms, settled, estimated, outstanding, top_up, approved_percent, told, wanted_at_ms, want_round)
    select key, start_ms, end_ms, settled, estimated, outstanding, top_up, approved_percent, told, wanted_at_ms, want_round
    from json_to_recordset($2::text::json) as p(key text, start_ms bigint, end_ms bigint, settled bigint, estimated bigint, outstanding bigint, top_up bigint,
      approved_percent integer, told text, wanted_at_ms bigint, want_round integer)
    on conflict (key, start_ms) do update set end_ms = excluded.end_ms, settled = excluded.settled, estimated = excluded.estimated,
      outstanding = excluded.outstanding, top_up = excluded.top_up, approved_percent = excluded.approved_percent, told = excluded.told,
      wanted_at_ms = excluded.wanted_at_ms, want_round = excluded.want_round)
  insert into ledger_slices (key, window_start_ms, holder, granted, used, estimated, returned, written_off, is_over, heard_at_ms, told_round, answered_round)
  select key, window_start_ms, holder, granted, used, estimated, returned, written_off, is_over, heard_at_ms, told_round, answered_round
  from json_to_recordset($3::text::json) as p(key text, window_start_ms bigint, holder text, granted bigint, used bigint, estimated bigint,
    returned bigint, written_off bigint, is_over boolean, heard_at_ms bigint, told_round integer, answered_round integer)
  on conflict (key, window_start_ms, holder) do update set granted = excluded.granted, used = excluded.used, estimated = excluded.estimated,
    returned = excluded.returned, written_off = excluded.written_off, is_over = excluded.is_over, heard_at_ms = excluded.heard_at_ms,
    told_round = excluded.told_round, answered_round = excluded.answered_round`;

/** $1 holder */
export const SLICES_OF_HOLDER = `select key, window_start_ms::text, granted::text, used::text, returned::text from ledger_slices
  where holder = $1 and not is_over order by ${BY_KEY}, window_start_ms`;

/** $1 budget or null, $2 most rows, $3 now, $4 TTL, $5 keys or null */
export const LOOK = `select ${ACCOUNT_COLUMNS}, ${WINDOW_COLUMNS}, coalesce((
    select sum(s.granted - s.used - s.returned - s.written_off) from ledger_slices s
    where s.key = a.key and s.window_start_ms = a.open_start_ms and not s.is_over and abs($3::bigint - s.heard_at_ms) > $4::bigint), 0)::text as lost
  from ledger_accounts a left join ledger_windows w on w.key = a.key and w.start_ms = a.open_start_ms
  where ($1::text is null or a.budget = $1) and ($5::text[] is null or a.key = any($5)) order by a.budget collate "C", a.${BY_KEY} limit $2`;

/** $1 budget */
export const KEYS_OF_BUDGET = `select key from ledger_accounts where budget = $1 order by ${BY_KEY}`;

/** $1 budget, $2 limit */
export const SET_BUDGET_LIMIT = `insert into ledger_budgets (budget, set_limit) values ($1, $2::bigint)
  on conflict (budget) do update set set_limit = excluded.set_limit`;
/** $1 budget */
export const CLEAR_BUDGET_LIMIT = "delete from ledger_budgets where budget = $1";

/** $1 time, $2 budget, $3 key, $4 kind, $5 amount, $6 by whom, $7 why */
export const NOTE_ADJUSTMENT = "insert into ledger_adjustments (at_ms, budget, key, kind, amount, by, why) values ($1::bigint, $2, $3, $4, $5::bigint, $6, $7)";

/** At a time, so that it is done in a moment. */
const FORGOTTEN_ROWS = 10_000;
/** $1 end of windows before which nobody reports any more */
export const FORGET_SLICES = `delete from ledger_slices where ctid = any(array(
  select s.ctid from ledger_slices s join ledger_windows w on w.key = s.key and w.start_ms = s.window_start_ms where w.end_ms < $1::bigint limit ${FORGOTTEN_ROWS}))`;
/** $1 end of long windows, $2 of those shorter than $3. Those with slices wait for them. */
export const FORGET_WINDOWS = `delete from ledger_windows where ctid = any(array(
  select w.ctid from ledger_windows w where (w.end_ms < $1::bigint or (w.end_ms < $2::bigint and w.end_ms - w.start_ms < $3::bigint))
    and not exists (select from ledger_slices s where s.key = w.key and s.window_start_ms = w.start_ms) limit ${FORGOTTEN_ROWS}))`;
/** $1 end of the last window. What an operator set is kept. */
export const FORGET_ACCOUNTS = `delete from ledger_accounts where ctid = any(array(
  select a.ctid from ledger_accounts a where a.open_end_ms < $1::bigint and a.set_limit is null limit ${FORGOTTEN_ROWS}))`;
