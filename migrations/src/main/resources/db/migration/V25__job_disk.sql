-- What planning found that a job of any kind needs of a worker's disk; null where nobody knows. Jobs that wait have it from
-- their plan, which only quantize jobs have.
alter table job add column disk_bytes bigint;
update job set disk_bytes = cast(plan -> 'resources' ->> 'diskBytes' as bigint) where status = 'QUEUED' and plan is not null;
