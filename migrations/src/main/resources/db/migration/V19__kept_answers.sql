-- What calls with an Idempotency-Key were answered with, sealed with the caller's own credential, which is not kept. Where
-- there is no answer, the call is under way, or its process died.
create table kept_answer (
    id             text        primary key,
    request_sha256 text        not null,
    answer         text,
    created_at     timestamptz not null default now()
);
create index kept_answer_created_at on kept_answer (created_at);
