-- What is deleted is gone from every answer at once; its rows, and then bytes that nothing names any more, are collected
-- later. Replicas of the version before still show it until they are replaced.
alter table repository
    add column deleted_at     timestamptz,
    add column retention_days integer check (retention_days > 0);
alter table revision add column deleted_at timestamptz;
alter table artifact add column deleted_at timestamptz;
alter table job add column deleted_at timestamptz;

create index revision_deleted on revision (deleted_at) where deleted_at is not null;
create index artifact_deleted on artifact (deleted_at) where deleted_at is not null;
create index job_deleted on job (deleted_at) where deleted_at is not null;
create index artifact_of_revision on artifact (namespace, name, revision);

-- A deleted tenant's row stays, since the audit log names it. max_bytes is what it may store; null for the default.
alter table tenant
    add column deleted_at timestamptz,
    add column max_bytes  bigint check (max_bytes >= 0);

-- When somebody last sent the bytes or was told that they need not be sent. Until some time after that they are not
-- collected, though nothing names them yet. No index has it, so that touching a row rewrites that row alone.
alter table blob add column touched_at timestamptz not null default now();

create index blob_owner_content on blob_owner (sha256);
create index artifact_file_content on artifact_file (sha256);
create index artifact_report on artifact (report_sha256);
