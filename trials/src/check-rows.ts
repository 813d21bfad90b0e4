/** The promises as the tables must show them, each as a query for the rows that break it. */
import type { Scene } from './scene.ts';

interface Rule {
  readonly promise: string;
  /** Gives the ids of rows that break it, in `id`. */
  readonly broken: string;
}

/** These hold at every moment, whatever runs. */
const always: readonly Rule[] = [
  {
    promise: '1: a balance is the sum of its ledger',
    broken: `SELECT s.id FROM sessions s
      WHERE s.balance_msat <> (SELECT coalesce(sum(l.amount_msat), 0) FROM ledger_entries l WHERE l.session_id = s.id)`,
  },
  {
    promise: '1: held is what running requests hold, and within the balance',
    broken: `SELECT s.id FROM sessions s
      WHERE s.held_msat NOT BETWEEN 0 AND s.balance_msat OR s.held_msat <> (
        SELECT coalesce(sum(r.held_msat), 0) FROM session_requests r WHERE r.session_id = s.id AND r.state = 'running')`,
  },
  {
    promise: '2: a paid invoice has one deposit of what was received, an unpaid one none',
    broken: `SELECT encode(i.payment_hash, 'hex') AS id FROM invoices i
      LEFT JOIN ledger_entries l ON l.kind = 'deposit' AND l.payment_hash = i.payment_hash
      GROUP BY i.payment_hash
      HAVING count(l.id) <> count(i.paid_at) OR count(l.id) > 1
        OR bool_or(l.amount_msat <> i.received_msat OR l.session_id <> i.session_id)`,
  },
  {
    promise: '2: a session with a deposit is no longer awaiting payment',
    broken: `SELECT s.id FROM sessions s WHERE s.status = 'awaiting_payment'
      AND EXISTS (SELECT FROM ledger_entries l WHERE l.session_id = s.id)`,
  },
  {
    promise: '3: a finished request has one charge, of what it says; any other has none',
    broken: `SELECT r.id FROM session_requests r
      LEFT JOIN ledger_entries l ON l.kind = 'charge' AND l.session_request_id = r.id
      GROUP BY r.id
      HAVING count(l.id) <> CASE WHEN r.state IN ('completed', 'incomplete') THEN 1 ELSE 0 END
        OR bool_or(l.amount_msat <> -r.charged_msat OR l.session_id <> r.session_id)`,
  },
  {
    promise: '3: a finished request has one user and one assistant message, or none once forgotten; any other has none',
    broken: `SELECT r.id FROM session_requests r
      LEFT JOIN session_messages m ON m.session_request_id = r.id
      GROUP BY r.id
      HAVING NOT (
        count(m.id) = 0 OR (r.state IN ('completed', 'incomplete') AND count(m.id) = 2
          AND count(*) FILTER (WHERE m.role = 'user') = 1 AND count(*) FILTER (WHERE m.role = 'assistant') = 1))`,
  },
  {
    promise: '3: what is forgotten is forgotten as a whole',
    broken: `SELECT id FROM (
        SELECT r.id, has, bool_or(has) OVER (PARTITION BY r.session_id ORDER BY r.finished_at) AS has_earlier
        FROM session_requests r,
          LATERAL (SELECT EXISTS (SELECT FROM session_messages m WHERE m.session_request_id = r.id) AS has) AS said
        WHERE r.state IN ('completed', 'incomplete')
      ) finished WHERE has_earlier AND NOT has`,
  },
  {
    promise: '3: an idempotency key has one answer',
    broken: `SELECT min(r.id::text) AS id FROM session_requests r WHERE r.state <> 'failed' AND r.idempotency_key IS NOT NULL
      GROUP BY r.session_id, r.idempotency_key HAVING count(*) > 1`,
  },
  {
    promise: '3: the balance in an answer is what the ledger came to by then',
    broken: `SELECT r.id FROM session_requests r WHERE r.state <> 'running' AND r.balance_msat <> (
        SELECT coalesce(sum(l.amount_msat), 0) FROM ledger_entries l
        WHERE l.session_id = r.session_id AND l.created_at <= r.finished_at)`,
  },
  {
    promise: '4: messages are in pairs, the user’s first, in the order in which they were written',
    broken: `SELECT id FROM (
        SELECT m.id, m.role, m.session_request_id, m.seq, row_number() OVER said AS place,
          lag(m.session_request_id) OVER said AS request_before, lag(m.seq) OVER said AS seq_before
        FROM session_messages m WINDOW said AS (PARTITION BY m.session_id ORDER BY m.created_at, m.seq)
      ) ordered
      WHERE role <> CASE place % 2 WHEN 1 THEN 'user' ELSE 'assistant' END
        OR (place % 2 = 0 AND session_request_id <> request_before) OR seq <= seq_before`,
  },
  {
    promise: '6: one request of a session runs at a time',
    broken: `SELECT r.session_id AS id FROM session_requests r WHERE r.state = 'running'
      GROUP BY r.session_id HAVING count(*) > 1`,
  },
  {
    promise: 'a session’s message count is right',
    broken: `SELECT s.id FROM sessions s
      WHERE s.message_count <> (SELECT count(*) FROM session_messages m WHERE m.session_id = s.id)`,
  },
];

/** These hold once everything has recovered and nobody asks for anything. */
const afterRecovery: readonly Rule[] = [
  {
    promise: '7: no request is stuck running',
    broken: `SELECT r.id FROM session_requests r WHERE r.state = 'running'`,
  },
  { promise: '7: no hold is left', broken: `SELECT s.id FROM sessions s WHERE s.held_msat <> 0` },
];

export async function checkRows(scene: Scene): Promise<void> {
  const rules = [...always, ...afterRecovery];
  const broken = await Promise.all(rules.map((rule) => scene.database.query<{ id: string }>(rule.broken)));
  for (const [index, rows] of broken.entries()) {
    if (rows.length > 0) {
      scene.report(
        rules[index]!.promise,
        rows.map(({ id }) => id),
      );
    }
  }
}
