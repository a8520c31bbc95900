-- One payment from a wallet as the product sends it to PostgreSQL. The client gives the variables seen and n, which makes new ids.
\if :seen = 0
SELECT bench_payer.* FROM bench_payer WHERE seat = :client_id \gset
\set seen 1
\endif
\set n :n + 1
\set id_1 :n * 1000 + :client_id * 10

BEGIN;
UPDATE "account" SET "debits_posted" = "debits_posted" + 1, "credits_posted" = "credits_posted" + 0, "debits_pending" = "debits_pending" + 0, "credits_pending" = "credits_pending" + 0 WHERE "account"."tenant_id" = :tenant AND ("account"."kind" = 'customer_wallet' AND "account"."currency" = 'EUR' AND "account"."holder" = :holder) RETURNING "tenant_id", "id", "kind", "currency", "holder", "customer_id", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "created_at";
INSERT INTO "account" ("tenant_id", "id", "kind", "currency", "holder", "customer_id", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "created_at") VALUES (:tenant, lpad(:id_1, 32, '0')::uuid, 'customer_receivable', 'EUR', :holder, :customer, 0, 1, 0, 0, now()) ON CONFLICT ("tenant_id", "kind", "currency", "holder") DO UPDATE SET "debits_posted" = "account"."debits_posted" + "excluded"."debits_posted", "credits_posted" = "account"."credits_posted" + "excluded"."credits_posted", "debits_pending" = "account"."debits_pending" + "excluded"."debits_pending", "credits_pending" = "account"."credits_pending" + "excluded"."credits_pending" RETURNING "tenant_id", "id", "kind", "currency", "holder", "customer_id", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "created_at";
INSERT INTO "transfer" ("tenant_id", "id", "reference", "group_id", "kind", "phase", "pending_id", "debit_account_id", "credit_account_id", "amount_minor", "currency", "customer_id", "rental_id", "payment_id", "created_at") VALUES (:tenant, lpad(:id_1, 32, '0')::uuid, :id_1, lpad(:id_1, 32, '0')::uuid, 'wallet_payment', 'single', NULL, :wallet, :owed, 1, 'EUR', :customer, NULL, NULL, now());
COMMIT;
