//! Row-level security on PostgreSQL: the net under `Entity::of(tenant)`.
//!
//! Not a change but a rule, so it is not frozen: every table with a `tenant_id` is made to follow it, those of later
//! migrations too. SQLite has neither roles nor policies.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

/// Makes every tenant table follow the rule, and lets the roles that exist do their work. Safe to run again, and by several
/// at once; locks only tables that do not follow it yet.
pub async fn secure(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    run(db, SECURE).await
}

/// The roles that logins are made members of. Needs CREATEROLE.
pub async fn create_roles(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    run(db, ROLES).await?;
    secure(db).await
}

pub(crate) async fn undo(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    run(db, UNDO).await
}

async fn run(db: &impl ConnectionTrait, sql: &str) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}

pub const ROLES: &str = r"
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['bikelease_application', 'bikelease_reader', 'bikelease_feed', 'bikelease_worker'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            -- Another database of this server had the same idea.
            NULL;
        END;
    END LOOP;
END
$$;
";

/// `of_tenant` shows everybody the one tenant that the transaction has named, and nothing when it has named none. The
/// selects around the settings make them constants of the query.
///
/// `of_platform` is for the owner alone, who migrates, and where one role does everything, serves: its connections begin
/// with the scope, and each write takes it off before its first statement.
const SECURE: &str = r"
DO $$
DECLARE
    found record;
    one text := 'tenant_id = (SELECT nullif(current_setting(''app.tenant_id'', true), '''')::uuid)';
    every text := '(SELECT current_setting(''app.scope'', true)) = ''platform''';
    reads record;
    role text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bikelease: row-level security'));
    FOR found IN
        SELECT c.oid, c.oid::regclass AS name, c.relname, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS secured
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    LOOP
        IF NOT found.secured THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.name);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = found.oid AND polname = 'of_tenant') THEN
            EXECUTE format('CREATE POLICY of_tenant ON %s USING (%s) WITH CHECK (%2$s)', found.name, one);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = found.oid AND polname = 'of_platform'
            AND polroles = ARRAY[found.relowner]) THEN
            EXECUTE format('DROP POLICY IF EXISTS of_platform ON %s', found.name);
            EXECUTE format('CREATE POLICY of_platform ON %s TO %I USING (%s) WITH CHECK (%3$s)',
                found.name, pg_get_userbyid(found.relowner), every);
        END IF;
        FOR reads IN
            SELECT * FROM (VALUES
                ('bikelease_reader', NULL),
                ('bikelease_feed', ARRAY['event', 'stream_head', 'session', 'api_client', 'api_key']),
                ('bikelease_worker', ARRAY['stream_head', 'consumer', 'dead_job'])
            ) AS rule (who, tables) JOIN pg_roles ON rolname = who
            WHERE tables IS NULL OR found.relname::text = ANY (tables)
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO %I', found.name, reads.who);
            IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = found.oid AND polname = reads.who) THEN
                EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO %1$I USING (true)', reads.who, found.name);
            END IF;
        END LOOP;
    END LOOP;

    IF to_regclass('tenant') IS NULL THEN
        -- Nothing is migrated yet.
        RETURN;
    END IF;
    FOR role IN SELECT rolname FROM pg_roles
        WHERE rolname IN ('bikelease_application', 'bikelease_reader', 'bikelease_feed', 'bikelease_worker')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        EXECUTE format('GRANT SELECT ON tenant, seaql_migrations TO %I', role);
        IF to_regnamespace('apalis') IS NOT NULL AND role IN ('bikelease_application', 'bikelease_worker') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA apalis TO %I', role);
        END IF;
    END LOOP;
    IF to_regrole('bikelease_reader') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO bikelease_reader', current_schema());
    END IF;
    IF to_regrole('bikelease_application') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO bikelease_application', current_schema());
        REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM bikelease_application;
        IF to_regclass('apalis.jobs') IS NOT NULL THEN
            GRANT INSERT ON apalis.jobs TO bikelease_application;
        END IF;
    END IF;
    IF to_regrole('bikelease_worker') IS NOT NULL AND to_regnamespace('apalis') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA apalis TO bikelease_worker;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA apalis TO bikelease_worker;
    END IF;
END
$$;
";

const UNDO: &str = r"
DO $$
DECLARE
    found record;
    policy record;
BEGIN
    FOR found IN
        SELECT c.oid, c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity
    LOOP
        FOR policy IN SELECT polname FROM pg_policy WHERE polrelid = found.oid LOOP
            EXECUTE format('DROP POLICY %I ON %s', policy.polname, found.name);
        END LOOP;
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', found.name);
    END LOOP;
END
$$;
";
