-- What a job has made on its way to its outcome: files that its next attempt goes on from. Entries go with the end of
-- their job. No blob is referenced: a replica of the version before, which does not know the table, may collect the bytes
-- after their time of grace, and must be able to; the next attempt then makes them again.
create table job_journal (
    job_id      uuid        not null,
    content_key text        not null,
    name        text        not null,
    sha256      text        not null,
    size        bigint      not null check (size >= 0),
    attempt     integer     not null,
    created_at  timestamptz not null default now(),
    primary key (job_id, content_key, name)
);

create index job_journal_content on job_journal (sha256);
