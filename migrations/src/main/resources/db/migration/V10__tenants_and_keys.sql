-- Everything that a client can name belongs to one tenant. The built-in tenant is the operator's own, and everything
-- of before belongs to it; the defaults keep replicas and workers of the version before working beside new ones.

create table tenant (
    id         uuid        primary key,
    name       text        not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    created_at timestamptz not null default now()
);

insert into tenant (id, name) values ('00000000-0000-0000-0000-000000000000', 'default');

-- Of a key, only the SHA-256 of its secret is kept: the secret has 256 random bits, so there is nothing to guess.
create table api_key (
    id            uuid        primary key,
    tenant        uuid        not null references tenant,
    name          text        not null,
    prefix        text        not null unique,
    secret_sha256 bytea       not null check (length(secret_sha256) = 32),
    scope         text        not null check (scope in ('read', 'submit', 'admin')),
    created_by    text        not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);

create index api_key_listing on api_key (tenant, created_at desc, id desc);

alter table repository add column tenant uuid not null default '00000000-0000-0000-0000-000000000000' references tenant;
alter table artifact add column tenant uuid not null default '00000000-0000-0000-0000-000000000000' references tenant;
alter table evaluation add column tenant uuid not null default '00000000-0000-0000-0000-000000000000' references tenant;
alter table idempotency add column tenant uuid not null default '00000000-0000-0000-0000-000000000000' references tenant;

create index job_listing_of_tenant on job (tenant, created_at desc, id desc);
create index artifact_listing_of_tenant on artifact (tenant, created_at desc, id desc);

alter table idempotency drop constraint idempotency_pkey, add primary key (tenant, key);

-- Who has shown to have the bytes. A hash alone proves nothing: it may have been read off somebody else's listing.
create table blob_owner (
    tenant     uuid        not null references tenant,
    sha256     text        not null references blob,
    created_at timestamptz not null default now(),
    primary key (tenant, sha256)
);

insert into blob_owner (tenant, sha256) select '00000000-0000-0000-0000-000000000000', sha256 from blob;

-- A worker of the version before stores blobs without saying for whom: for the built-in tenant, as all of its time.
create index revision_file_content on revision_file (sha256);

-- Append only, as the trigger sees to; rows go with their partition of time by the operator's hand, if at all.
create table audit_event (
    id        bigint      generated always as identity primary key,
    tenant    uuid        not null references tenant,
    at        timestamptz not null default now(),
    actor     text        not null,
    action    text        not null,
    target    text        not null,
    status    integer     not null,
    address   text        not null
);

create index audit_event_reading on audit_event (tenant, id desc);

create function audit_event_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event is append only';
end
$$;

create trigger audit_event_append_only before update or delete on audit_event
    for each row execute function audit_event_is_append_only();
