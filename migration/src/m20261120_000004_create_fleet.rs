//! Stations, vehicle types, vehicles, and their history.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE vehicle_type (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    make TEXT,
    model TEXT,
    form_factor TEXT NOT NULL,
    propulsion_type TEXT NOT NULL,
    max_range_meters INTEGER,
    default_reserve_minutes INTEGER NOT NULL CONSTRAINT vehicle_type_reserve_not_negative CHECK (default_reserve_minutes >= 0),
    default_tariff_id UUID,
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT vehicle_type_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT vehicle_type_tariff FOREIGN KEY (tenant_id, default_tariff_id) REFERENCES tariff (tenant_id, id)
);

CREATE TABLE station (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    short_code TEXT NOT NULL,
    address TEXT,
    region TEXT,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    capacity INTEGER NOT NULL CONSTRAINT station_capacity_not_negative CHECK (capacity >= 0),
    is_virtual BOOLEAN NOT NULL,
    is_charging BOOLEAN NOT NULL,
    is_installed BOOLEAN NOT NULL,
    is_renting BOOLEAN NOT NULL,
    is_returning BOOLEAN NOT NULL,
    vehicles_available INTEGER NOT NULL CONSTRAINT station_available_not_negative CHECK (vehicles_available >= 0),
    vehicles_reserved INTEGER NOT NULL CONSTRAINT station_reserved_not_negative CHECK (vehicles_reserved >= 0),
    vehicles_disabled INTEGER NOT NULL CONSTRAINT station_disabled_not_negative CHECK (vehicles_disabled >= 0),
    available_by_type JSONB NOT NULL,
    docks_available INTEGER NOT NULL CONSTRAINT station_docks_not_negative CHECK (docks_available >= 0),
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT station_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    -- The guard behind `STATION_FULL`.
    CONSTRAINT station_holds_its_vehicles CHECK (
        is_virtual OR vehicles_available + vehicles_reserved + vehicles_disabled + docks_available = capacity
    )
);
CREATE UNIQUE INDEX station_short_code ON station (tenant_id, short_code) WHERE archived_at IS NULL;
CREATE INDEX station_by_name ON station (tenant_id, name, id);
CREATE INDEX station_by_position ON station (tenant_id, latitude, longitude);

CREATE TABLE vehicle (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    number TEXT NOT NULL,
    vehicle_type_id UUID NOT NULL,
    state TEXT NOT NULL,
    prior_state TEXT,
    station_id UUID,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    battery_percent INTEGER CONSTRAINT vehicle_battery_percent CHECK (battery_percent BETWEEN 0 AND 100),
    odometer_meters BIGINT NOT NULL CONSTRAINT vehicle_odometer_not_negative CHECK (odometer_meters >= 0),
    reserved_by UUID,
    reserved_until TIMESTAMPTZ,
    out_of_service_reason TEXT,
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT vehicle_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT vehicle_type_of FOREIGN KEY (tenant_id, vehicle_type_id) REFERENCES vehicle_type (tenant_id, id),
    CONSTRAINT vehicle_station FOREIGN KEY (tenant_id, station_id) REFERENCES station (tenant_id, id),
    CONSTRAINT vehicle_reserved_by FOREIGN KEY (tenant_id, reserved_by) REFERENCES customer (tenant_id, id),
    CONSTRAINT vehicle_hold_is_whole CHECK (
        (state = 'reserved') = (reserved_by IS NOT NULL) AND (reserved_by IS NULL) = (reserved_until IS NULL)
    ),
    CONSTRAINT vehicle_stands_only_where_it_can CHECK (
        station_id IS NULL OR state IN ('available', 'reserved', 'non_operational', 'non_contactable')
    )
);
CREATE UNIQUE INDEX vehicle_number ON vehicle (tenant_id, number) WHERE archived_at IS NULL;
CREATE INDEX vehicle_by_number ON vehicle (tenant_id, number, id);
CREATE INDEX vehicle_by_station ON vehicle (tenant_id, station_id, state) WHERE station_id IS NOT NULL;
CREATE INDEX vehicle_by_state ON vehicle (tenant_id, state);
CREATE INDEX vehicle_by_type ON vehicle (tenant_id, vehicle_type_id);
CREATE INDEX vehicle_held ON vehicle (tenant_id, reserved_by) WHERE reserved_by IS NOT NULL;

CREATE TABLE vehicle_event (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    vehicle_id UUID NOT NULL,
    event_types JSONB NOT NULL,
    state_before TEXT,
    state TEXT NOT NULL,
    station_id UUID,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    battery_percent INTEGER,
    rental_id UUID,
    actor TEXT NOT NULL,
    reason TEXT,
    occurred_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT vehicle_event_vehicle FOREIGN KEY (tenant_id, vehicle_id) REFERENCES vehicle (tenant_id, id),
    CONSTRAINT vehicle_event_station FOREIGN KEY (tenant_id, station_id) REFERENCES station (tenant_id, id)
);
CREATE INDEX vehicle_event_by_vehicle ON vehicle_event (tenant_id, vehicle_id, id);
"#,
    down: r#"
DROP TABLE vehicle_event;
DROP TABLE vehicle;
DROP TABLE station;
DROP TABLE vehicle_type;
"#,
}
