-- A deployment is a job of type serve, whose attempt lasts as long as a worker serves the model, and what a job does not
-- have: a name, and where the attempt answers. What state it is in follows from both rows, so that neither can contradict
-- the other. What an attempt writes names it, and holds only while the job is RUNNING in that attempt.
-- secret is sealed: what the api shows to the worker, drawn anew by each attempt. No index has what heartbeats rewrite.
create table deployment (
    job_id           uuid        primary key,
    tenant           uuid        not null references tenant,
    name             text        not null,
    source           text        not null,
    repository       text,
    ttl_seconds      double precision,
    created_at       timestamptz not null default now(),
    deleted_at       timestamptz,
    attempt          integer     not null default 0,
    url              text,
    secret           text,
    max_model_length integer,
    ready_at         timestamptz,
    expires_at       timestamptz,
    used_at          timestamptz,
    health           jsonb,
    health_at        timestamptz
) with (fillfactor = 70);

create unique index deployment_name on deployment (tenant, name) where deleted_at is null;
create index deployment_repository on deployment (tenant, repository) where deleted_at is null;
create index deployment_listing on deployment (tenant, created_at desc, job_id desc);

-- Workers look for these apart from other jobs, however many of those wait.
create index job_serve_queue on job (available_at) where status = 'QUEUED' and type = 'serve';
