-- An entry is committed with the change that it tells of, when no answer has a status yet. What replicas of the version
-- before append is told after the answer, whatever came of it.
alter table audit_event alter column status drop not null;
alter table audit_event add column outcome text not null default 'ANSWERED'
    check (outcome in ('COMMITTED', 'ANSWERED', 'REFUSED', 'FAILED'));
