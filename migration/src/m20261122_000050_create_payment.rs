//! Payments, their attempts and refunds; the tenants' accounts with providers, and what those tell us.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE provider_account (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    provider TEXT NOT NULL,
    offers JSONB NOT NULL,
    sealed_credentials BYTEA NOT NULL,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT provider_account_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT provider_account_provider_known CHECK (provider IN ('demo', 'stripe', 'mpesa', 'bank_api', 'cash', 'wallet'))
);
CREATE UNIQUE INDEX provider_account_one_each ON provider_account (tenant_id, provider);

CREATE TABLE payment (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    rental_id UUID,
    purpose TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    manual_capture BOOLEAN NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    authorized_minor BIGINT NOT NULL,
    captured_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    refunding_minor BIGINT NOT NULL,
    provider_reference TEXT,
    provider_transaction TEXT,
    next_action JSONB,
    failure_code TEXT,
    failure_message TEXT,
    version BIGINT NOT NULL,
    check_at TIMESTAMPTZ,
    checks INTEGER NOT NULL,
    expires_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_of_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT payment_of_rental FOREIGN KEY (tenant_id, rental_id) REFERENCES rental (tenant_id, id),
    CONSTRAINT payment_provider_known CHECK (provider IN ('demo', 'stripe', 'mpesa', 'bank_api', 'cash', 'wallet')),
    CONSTRAINT payment_purpose_known CHECK (purpose IN ('rental', 'deposit', 'top_up', 'balance')),
    CONSTRAINT payment_state_known CHECK (state IN ('requires_action', 'pending', 'processing', 'authorized', 'completed',
        'failed', 'canceled', 'expired', 'unknown', 'reversed')),
    CONSTRAINT payment_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT payment_authorized_within_amount CHECK (authorized_minor >= 0 AND authorized_minor + captured_minor <= amount_minor),
    CONSTRAINT payment_captured_within_amount CHECK (captured_minor >= 0 AND captured_minor <= amount_minor),
    -- The guard behind `REFUND_EXCEEDS_PAYMENT`.
    CONSTRAINT payment_refunds_within_captured CHECK (refunded_minor >= 0 AND refunding_minor >= 0
        AND refunded_minor + refunding_minor <= captured_minor)
);
CREATE INDEX payment_by_customer ON payment (tenant_id, customer_id, id);
CREATE INDEX payment_by_rental ON payment (tenant_id, rental_id) WHERE rental_id IS NOT NULL;
-- The guard against paying one rental twice at the same moment.
CREATE UNIQUE INDEX payment_one_open_per_rental ON payment (tenant_id, rental_id, purpose)
    WHERE rental_id IS NOT NULL AND state IN ('requires_action', 'pending', 'processing', 'authorized', 'unknown');
-- How a webhook finds its payment.
CREATE UNIQUE INDEX payment_provider_reference ON payment (tenant_id, provider, provider_reference);
-- No movement of money at a provider counts for two payments.
CREATE UNIQUE INDEX payment_provider_transaction ON payment (tenant_id, provider, provider_transaction);
CREATE INDEX payment_to_check ON payment (check_at) WHERE check_at IS NOT NULL;

CREATE TABLE payment_attempt (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    number INTEGER NOT NULL,
    verb TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    state TEXT NOT NULL,
    sealed_request BYTEA NOT NULL,
    locked_until TIMESTAMPTZ NOT NULL,
    failure_code TEXT,
    failure_message TEXT,
    answer JSONB,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_attempt_of_payment FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
    CONSTRAINT payment_attempt_verb_known CHECK (verb IN ('charge', 'confirm', 'capture', 'cancel')),
    CONSTRAINT payment_attempt_state_known CHECK (state IN ('pending', 'accepted', 'failed', 'unknown')),
    CONSTRAINT payment_attempt_amount_positive CHECK (amount_minor > 0)
);
CREATE UNIQUE INDEX payment_attempt_number ON payment_attempt (tenant_id, payment_id, number);
-- One call to a provider at a time for each payment.
CREATE UNIQUE INDEX payment_attempt_one_open ON payment_attempt (tenant_id, payment_id) WHERE state = 'pending';

CREATE TABLE refund (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    provider_reference TEXT,
    failure_code TEXT,
    failure_message TEXT,
    version BIGINT NOT NULL,
    check_at TIMESTAMPTZ,
    checks INTEGER NOT NULL,
    locked_until TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT refund_of_payment FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
    CONSTRAINT refund_state_known CHECK (state IN ('pending', 'completed', 'failed', 'unknown')),
    CONSTRAINT refund_amount_positive CHECK (amount_minor > 0)
);
CREATE INDEX refund_by_payment ON refund (tenant_id, payment_id, id);
CREATE INDEX refund_by_provider_reference ON refund (tenant_id, provider_reference);
CREATE INDEX refund_to_check ON refund (check_at) WHERE check_at IS NOT NULL;

CREATE TABLE webhook (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    sealed_notice BYTEA NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
-- What is told again is dropped.
CREATE UNIQUE INDEX webhook_event ON webhook (tenant_id, provider, event_id);
"#,
    down: r#"
DROP TABLE webhook;
DROP TABLE refund;
DROP TABLE payment_attempt;
DROP TABLE payment;
DROP TABLE provider_account;
"#,
}
