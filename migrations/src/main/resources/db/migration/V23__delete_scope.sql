-- Deleting is a right of its own. Keys keep the scopes that they have: one that may submit no longer deletes.
alter table api_key drop constraint api_key_scope_check;
alter table api_key add constraint api_key_scope_check check (scope in ('read', 'submit', 'delete', 'admin'));
