-- Times are the database's: every timestamp is written from now(), never from a client's clock.

create table blob (
    sha256     text        primary key check (sha256 ~ '^[0-9a-f]{64}$'),
    size       bigint      not null check (size >= 0),
    created_at timestamptz not null default now()
);

create table repository (
    id         uuid        primary key,
    namespace  text        not null,
    name       text        not null,
    head       text,
    created_at timestamptz not null default now(),
    unique (namespace, name)
);

-- A revision never changes; sequence gives the order within a repository.
create table revision (
    sequence      bigint      generated always as identity primary key,
    repository_id uuid        not null references repository,
    id            text        not null check (id ~ '^[0-9a-f]{40}$'),
    parent        text,
    message       text        not null,
    created_at    timestamptz not null default now(),
    unique (repository_id, id)
);

create index revision_listing on revision (repository_id, sequence desc);

create table revision_file (
    revision_sequence bigint not null references revision,
    path              text   not null,
    size              bigint not null,
    sha256            text   not null references blob,
    primary key (revision_sequence, path)
);

-- attempt is the fencing token: each claim raises it, and every later write of that claim names it.
-- attempt_limit is the last attempt allowed before the job fails; a manual retry raises it.
-- No index names lease_expires_at, so that a heartbeat is a heap-only update.
create table job (
    id               uuid        primary key,
    type             text        not null,
    status           text        not null
        check (status in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    priority         integer     not null default 0,
    spec             jsonb       not null,
    attempt          integer     not null default 0,
    attempt_limit    integer     not null,
    cancel_requested boolean     not null default false,
    created_at       timestamptz not null default now(),
    available_at     timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    worker           text,
    lease_owner      uuid,
    lease_expires_at timestamptz,
    result           jsonb,
    problem_code     text,
    problem_detail   text,
    check ((status = 'RUNNING') = (lease_owner is not null)),
    check ((lease_owner is null) = (lease_expires_at is null)),
    check ((status in ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (finished_at is not null))
) with (fillfactor = 70);

create index job_claimable on job (priority desc, created_at, id) where status = 'QUEUED';
create index job_running on job (id) where status = 'RUNNING';
create index job_listing on job (created_at desc, id desc);

-- Append only. Rows of one job are inserted under its row lock, so that ids become visible in order.
create table job_event (
    id      bigint      generated always as identity primary key,
    job_id  uuid        not null references job,
    attempt integer     not null,
    at      timestamptz not null default now(),
    type    text        not null,
    data    jsonb       not null
);

create index job_event_reading on job_event (job_id, id);
create index job_event_latest on job_event (job_id, type, id desc) where type in ('phase', 'progress');

create table artifact (
    id              uuid             primary key,
    job_id          uuid             not null unique references job,
    namespace       text             not null,
    name            text             not null,
    revision        text             not null,
    label           text             not null,
    weight_bits     double precision not null,
    size_bytes      bigint           not null,
    source          text             not null,
    source_revision text             not null,
    scheme          text             not null,
    layout          text             not null,
    engine_version  text             not null,
    report_sha256   text             not null references blob,
    created_at      timestamptz      not null default now(),
    foreign key (namespace, name) references repository (namespace, name)
);

create index artifact_listing on artifact (created_at desc, id desc);

create table artifact_file (
    artifact_id uuid   not null references artifact,
    path        text   not null,
    size        bigint not null,
    sha256      text   not null references blob,
    primary key (artifact_id, path)
);

-- source is the resolved URI (hub:ns/name@revision), which is how an artifact finds its evaluations.
create table evaluation (
    id         uuid        primary key,
    job_id     uuid        not null unique references job,
    source     text        not null,
    result     jsonb       not null,
    created_at timestamptz not null default now()
);

create index evaluation_of_source on evaluation (source, created_at);

create table worker (
    id             uuid        primary key,
    name           text        not null,
    host           text        not null,
    device         text        not null,
    engine_version text        not null,
    schemes        jsonb       not null,
    layouts        jsonb       not null,
    started_at     timestamptz not null default now(),
    last_seen_at   timestamptz not null default now()
);

create table idempotency (
    key            text        primary key,
    request_sha256 text        not null,
    job_id         uuid        not null references job,
    created_at     timestamptz not null default now()
);
