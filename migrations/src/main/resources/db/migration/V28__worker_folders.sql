-- Which folders a worker reads file: sources from, so that others are refused before they are queued. Null for workers of
-- earlier releases, which are taken to read any.
alter table worker add column folders jsonb;
