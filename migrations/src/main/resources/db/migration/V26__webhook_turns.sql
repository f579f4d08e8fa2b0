-- Messages are taken of the tenants in turn.
create index webhook_delivery_turn on webhook_delivery (tenant, available_at) where status = 'PENDING';
drop index webhook_delivery_due;
