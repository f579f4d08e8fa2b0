-- Branches besides main, which is the repository's head, and tags. Replicas of the version before know main alone.
alter table revision add column branch text not null default 'main';

create table ref (
    repository_id uuid        not null references repository on delete cascade,
    type          text        not null check (type in ('branch', 'tag')),
    name          text        not null,
    revision      text        not null,
    message       text,
    created_at    timestamptz not null default now(),
    primary key (repository_id, type, name)
);

-- Who may send certain bytes for a while without a key of ours: clients send them to wherever they are told, without it.
-- Of the secret, its SHA-256 alone is kept.
create table upload_ticket (
    secret_sha256 bytea       primary key check (length(secret_sha256) = 32),
    tenant        uuid        not null references tenant,
    actor         text        not null,
    sha256        text        not null,
    size          bigint      not null check (size >= 0),
    expires_at    timestamptz not null
);

create index upload_ticket_expiry on upload_ticket (expires_at);
