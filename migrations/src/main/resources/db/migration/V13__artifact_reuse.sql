-- What decides an artifact's bytes, as one hash: the source's files, the recipe, the data, the engine's version. Null for
-- artifacts of before, which nobody can tell that of.
alter table artifact add column content_key text check (content_key ~ '^[0-9a-f]{64}$');

create index artifact_reuse on artifact (tenant, content_key, created_at desc) where content_key is not null;
