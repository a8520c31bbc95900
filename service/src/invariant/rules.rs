//! The invariants as SQL that both databases read: each counts what breaks it.

/// Name, what should hold, and a count of where it does not.
pub(super) const RULES: [(&str, &str, &str); 15] = [
    (
        "open_rentals",
        "a vehicle has at most one open rental",
        "SELECT count(*) FROM (SELECT 1 AS one FROM rental WHERE ended_at IS NULL
         GROUP BY tenant_id, vehicle_id HAVING count(*) > 1) AS doubled",
    ),
    (
        "rented_vehicles",
        "the vehicle of an open rental is out",
        "SELECT count(*) FROM rental r JOIN vehicle v ON v.tenant_id = r.tenant_id AND v.id = r.vehicle_id
         WHERE r.ended_at IS NULL AND v.state NOT IN ('on_trip', 'non_contactable', 'missing', 'elsewhere')",
    ),
    (
        "vehicles_on_trip",
        "a vehicle on a trip has an open rental",
        "SELECT count(*) FROM vehicle v WHERE v.state = 'on_trip' AND NOT EXISTS (SELECT 1 FROM rental r
         WHERE r.tenant_id = v.tenant_id AND r.vehicle_id = v.id AND r.ended_at IS NULL)",
    ),
    (
        "holds",
        "a reserved vehicle has a customer and an end, and no other has",
        "SELECT count(*) FROM vehicle WHERE (state = 'reserved') <> (reserved_by IS NOT NULL)
         OR (reserved_by IS NULL) <> (reserved_until IS NULL)",
    ),
    (
        "station_counters",
        "a station's counters are the vehicles that stand there",
        "SELECT count(*) FROM station s WHERE
         s.vehicles_available <> (SELECT count(*) FROM vehicle v WHERE v.tenant_id = s.tenant_id AND v.station_id = s.id
             AND v.archived_at IS NULL AND v.state = 'available')
         OR s.vehicles_reserved <> (SELECT count(*) FROM vehicle v WHERE v.tenant_id = s.tenant_id AND v.station_id = s.id
             AND v.archived_at IS NULL AND v.state = 'reserved')
         OR s.vehicles_disabled <> (SELECT count(*) FROM vehicle v WHERE v.tenant_id = s.tenant_id AND v.station_id = s.id
             AND v.archived_at IS NULL AND v.state IN ('non_operational', 'non_contactable'))",
    ),
    (
        "station_docks",
        "a station's free docks are what its vehicles leave",
        "SELECT count(*) FROM station WHERE docks_available <> CASE
         WHEN capacity > vehicles_available + vehicles_reserved + vehicles_disabled
         THEN capacity - vehicles_available - vehicles_reserved - vehicles_disabled ELSE 0 END",
    ),
    (
        "event_numbers",
        "a tenant's events are numbered without a gap up to its head",
        "SELECT count(*) FROM stream_head h WHERE
         h.last_seq - h.first_seq + 1 <> (SELECT count(*) FROM event e WHERE e.tenant_id = h.tenant_id
             AND e.seq >= h.first_seq AND e.seq <= h.last_seq)
         OR EXISTS (SELECT 1 FROM event e WHERE e.tenant_id = h.tenant_id AND (e.seq > h.last_seq OR e.seq < h.first_seq))",
    ),
    (
        "consumers",
        "no durable reader is ahead of its stream",
        "SELECT count(*) FROM consumer c JOIN stream_head h ON h.tenant_id = c.tenant_id WHERE c.acked_seq > h.last_seq",
    ),
    (
        "price_lines",
        "the lines of a closed rental sum to its price, and a cancelled one costs nothing",
        "SELECT count(*) FROM rental r WHERE r.ended_at IS NOT NULL AND r.price_minor <> (SELECT coalesce(sum(l.amount_minor), 0)
         FROM price_line l WHERE l.tenant_id = r.tenant_id AND l.rental_id = r.id)
         OR (r.state = 'cancelled' AND r.price_minor <> 0)",
    ),
    ("rental_times", "no rental ends before it starts", "SELECT count(*) FROM rental WHERE ended_at < started_at"),
    (
        "answers",
        "every kept idempotency key has its answer",
        "SELECT count(*) FROM idempotency WHERE answer IS NULL",
    ),
    (
        "account_balances",
        "an account's sums are those of its transfers, and what its open holds reserve",
        "SELECT count(*) FROM account a LEFT JOIN (
             SELECT tenant_id, account_id, sum(debit) AS debits, sum(credit) AS credits, sum(held_debit) AS held_debits,
                 sum(held_credit) AS held_credits
             FROM (
                 SELECT t.tenant_id, t.debit_account_id AS account_id,
                     CASE WHEN t.phase IN ('single', 'posted') THEN t.amount_minor ELSE 0 END AS debit, 0 AS credit,
                     CASE WHEN t.phase = 'pending' AND e.id IS NULL THEN t.amount_minor ELSE 0 END AS held_debit, 0 AS held_credit
                 FROM transfer t LEFT JOIN transfer e ON e.tenant_id = t.tenant_id AND e.pending_id = t.id
                 UNION ALL
                 SELECT t.tenant_id, t.credit_account_id, 0, CASE WHEN t.phase IN ('single', 'posted') THEN t.amount_minor ELSE 0 END,
                     0, CASE WHEN t.phase = 'pending' AND e.id IS NULL THEN t.amount_minor ELSE 0 END
                 FROM transfer t LEFT JOIN transfer e ON e.tenant_id = t.tenant_id AND e.pending_id = t.id
             ) AS side GROUP BY tenant_id, account_id
         ) AS s ON s.tenant_id = a.tenant_id AND s.account_id = a.id
         WHERE a.debits_posted <> coalesce(s.debits, 0) OR a.credits_posted <> coalesce(s.credits, 0)
             OR a.debits_pending <> coalesce(s.held_debits, 0) OR a.credits_pending <> coalesce(s.held_credits, 0)",
    ),
    (
        "trial_balance",
        "a tenant's debits are its credits, in each currency",
        "SELECT count(*) FROM (SELECT 1 AS one FROM account GROUP BY tenant_id, currency
         HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)) AS uneven",
    ),
    (
        "rental_charges",
        "a rental that ended here is charged what it came to, and no other is",
        "SELECT count(*) FROM rental r WHERE
         CASE WHEN r.state = 'ended' AND r.imported_from IS NULL THEN r.price_minor ELSE 0 END <>
         (SELECT coalesce(sum(CASE WHEN d.kind = 'customer_receivable' THEN t.amount_minor ELSE -t.amount_minor END), 0)
          FROM transfer t JOIN account d ON d.tenant_id = t.tenant_id AND d.id = t.debit_account_id
          WHERE t.tenant_id = r.tenant_id AND t.rental_id = r.id AND t.kind = 'charge')",
    ),
    (
        "resolved_holds",
        "what ends a hold takes no more than it reserved, between the same accounts",
        "SELECT count(*) FROM transfer t JOIN transfer p ON p.tenant_id = t.tenant_id AND p.id = t.pending_id
         WHERE p.phase <> 'pending' OR t.amount_minor > p.amount_minor OR t.debit_account_id <> p.debit_account_id
             OR t.credit_account_id <> p.credit_account_id",
    ),
];

/// On PostgreSQL alone: tenants' tables that row-level security does not hold, whoever asks.
pub(super) const UNSECURED: &str = "SELECT count(*) FROM pg_class c
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
     AND NOT (c.relrowsecurity AND c.relforcerowsecurity
         AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'of_tenant'))";
