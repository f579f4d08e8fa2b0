-- What planning found of a job when it was submitted, for people and for the worker that runs it. Null for jobs that could
-- not be looked at, for those that have nothing to plan, and for those of before.
alter table job add column plan jsonb;
