-- The span that submitted the job, by W3C Trace Context, so that its worker's spans belong to the same trace. Workers of
-- the version before neither read nor write it.
alter table job add column traceparent text;
