-- What git calls the contents, where somebody has asked: clients of the Hub know small files by it. Computed when it is
-- first needed, so that replicas of the version before need not know of it.
alter table blob add column git_id text check (git_id ~ '^[0-9a-f]{40}$');
