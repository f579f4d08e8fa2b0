-- A pipeline is a job that no worker claims; its steps are jobs that name it. needs holds the names of sibling steps.
alter table job
    add column parent uuid  references job,
    add column step   text,
    add column needs  jsonb not null default '[]',
    add column labels jsonb not null default '{}',
    add check ((parent is null) = (step is null));

create unique index job_steps on job (parent, step) where parent is not null;

-- A pipeline runs without a lease: what runs are its steps.
alter table job
    drop constraint job_check,
    add constraint job_lease_of_running check (type = 'pipeline' or (status = 'RUNNING') = (lease_owner is not null));

-- What no worker may take: pipelines, and steps that wait for others. No worker offers such a device, so that workers of
-- every release since lanes pass it by.
insert into lane (id, device_kind) values (-1, 'none');

create index job_labels on job using gin (labels jsonb_path_ops) where labels <> '{}';
create index job_live_pipelines on job (id) where type = 'pipeline' and status in ('QUEUED', 'RUNNING');
