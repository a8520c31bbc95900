//! Rides and what they came to.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE rental (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    vehicle_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    tariff_id UUID NOT NULL,
    terms JSONB NOT NULL,
    state TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    due_at TIMESTAMPTZ,
    overdue_at TIMESTAMPTZ,
    start_station_id UUID,
    start_latitude DOUBLE PRECISION,
    start_longitude DOUBLE PRECISION,
    end_station_id UUID,
    end_latitude DOUBLE PRECISION,
    end_longitude DOUBLE PRECISION,
    distance_meters BIGINT NOT NULL CONSTRAINT rental_distance_not_negative CHECK (distance_meters >= 0),
    currency TEXT NOT NULL,
    price_minor BIGINT CONSTRAINT rental_price_not_negative CHECK (price_minor >= 0),
    lost BOOLEAN NOT NULL,
    end_reason TEXT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT rental_vehicle FOREIGN KEY (tenant_id, vehicle_id) REFERENCES vehicle (tenant_id, id),
    CONSTRAINT rental_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT rental_tariff FOREIGN KEY (tenant_id, tariff_id) REFERENCES tariff (tenant_id, id),
    CONSTRAINT rental_start_station FOREIGN KEY (tenant_id, start_station_id) REFERENCES station (tenant_id, id),
    CONSTRAINT rental_end_station FOREIGN KEY (tenant_id, end_station_id) REFERENCES station (tenant_id, id),
    CONSTRAINT rental_open_until_ended CHECK (
        (state = 'active') = (ended_at IS NULL) AND (ended_at IS NULL) = (price_minor IS NULL)
    )
);
-- The guard behind `VEHICLE_TAKEN`.
CREATE UNIQUE INDEX rental_one_open_per_vehicle ON rental (tenant_id, vehicle_id) WHERE ended_at IS NULL;
CREATE INDEX rental_by_vehicle ON rental (tenant_id, vehicle_id, id);
CREATE INDEX rental_by_customer ON rental (tenant_id, customer_id, id);
CREATE INDEX rental_by_state ON rental (tenant_id, state, id);
CREATE INDEX rental_by_start ON rental (tenant_id, started_at, id);
CREATE INDEX rental_by_due ON rental (tenant_id, due_at) WHERE ended_at IS NULL;

CREATE TABLE price_line (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    rental_id UUID NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    quantity BIGINT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT price_line_rental FOREIGN KEY (tenant_id, rental_id) REFERENCES rental (tenant_id, id)
);
CREATE UNIQUE INDEX price_line_position ON price_line (tenant_id, rental_id, position);
"#,
    down: r#"
DROP TABLE price_line;
DROP TABLE rental;
"#,
}
