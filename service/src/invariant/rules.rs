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
        "receipt_numbers",
        "a tenant's receipts of a year are numbered from 1 without a gap",
        "SELECT count(*) FROM receipt_counter c WHERE
         c.last_seq <> (SELECT count(*) FROM receipt r WHERE r.tenant_id = c.tenant_id AND r.year = c.year)
         OR EXISTS (SELECT 1 FROM receipt r WHERE r.tenant_id = c.tenant_id AND r.year = c.year AND r.seq > c.last_seq)",
    ),
    (
        "payment_receipts",
        "a payment that was completed has one receipt, and one more each time it was taken back or came again",
        "SELECT count(*) FROM payment p WHERE
         (SELECT count(*) FROM receipt r WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.kind = 'payment')
             <> CASE WHEN p.state IN ('completed', 'reversed') THEN 1 ELSE 0 END
         OR (SELECT count(*) FROM receipt r WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.kind = 'reversal')
             - (SELECT count(*) FROM receipt r WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.kind = 'reinstatement')
             <> CASE WHEN p.state = 'reversed' THEN 1 ELSE 0 END",
    ),
    (
        "refund_receipts",
        "a refund that was completed has one receipt, and no other has",
        "SELECT count(*) FROM refund f WHERE
         (SELECT count(*) FROM receipt r WHERE r.tenant_id = f.tenant_id AND r.refund_id = f.id)
             <> CASE WHEN f.state = 'completed' THEN 1 ELSE 0 END",
    ),
    (
        "receipt_amounts",
        "a receipt is of what was captured, or given back",
        "SELECT count(*) FROM receipt r JOIN payment p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
         LEFT JOIN refund f ON f.tenant_id = r.tenant_id AND f.id = r.refund_id
         WHERE r.currency <> p.currency OR (r.kind = 'payment' AND r.total_minor <> p.captured_minor)
         OR (r.kind = 'refund' AND r.total_minor <> -f.amount_minor)",
    ),
    (
        "answers",
        "every kept idempotency key has its answer",
        "SELECT count(*) FROM idempotency WHERE answer IS NULL",
    ),
];

/// On PostgreSQL alone: tenants' tables that row-level security does not hold, whoever asks.
pub(super) const UNSECURED: &str = "SELECT count(*) FROM pg_class c
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
     AND NOT (c.relrowsecurity AND c.relforcerowsecurity
         AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'of_tenant'))";
