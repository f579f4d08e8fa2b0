-- secret is sealed: encrypted with a key that the database does not have.
create table webhook (
    id         uuid        primary key,
    tenant     uuid        not null references tenant,
    url        text        not null,
    events     text[]      not null,
    secret     text        not null,
    enabled    boolean     not null default true,
    created_by text        not null,
    created_at timestamptz not null default now()
);

create index webhook_listing on webhook (tenant, created_at desc, id desc);

-- The outbox: a row is written in the transaction that changes the job, and sent by whichever replica takes it. A taken
-- row becomes available again by itself, so that a replica which dies in between loses nothing.
create table webhook_delivery (
    id            uuid        primary key,
    tenant        uuid        not null references tenant,
    webhook_id    uuid        not null references webhook on delete cascade,
    event         text        not null,
    payload       text        not null,
    status        text        not null default 'PENDING' check (status in ('PENDING', 'DELIVERED', 'DEAD')),
    attempt       integer     not null default 0,
    attempt_limit integer     not null,
    created_at    timestamptz not null default now(),
    available_at  timestamptz not null default now(),
    delivered_at  timestamptz,
    answer_status integer,
    failure       text
) with (fillfactor = 70);

create index webhook_delivery_due on webhook_delivery (available_at) where status = 'PENDING';
create index webhook_delivery_listing on webhook_delivery (webhook_id, created_at desc, id desc);
