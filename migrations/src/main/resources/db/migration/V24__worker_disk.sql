-- How large a worker's disk is, and what of it a job may have. Null for workers of earlier releases, which are offered any
-- job. No index has them, so that a heartbeat still rewrites this small row alone, on its page.
alter table worker
    add column disk_bytes      bigint,
    add column free_disk_bytes bigint;
