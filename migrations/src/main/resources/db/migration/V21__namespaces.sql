-- Namespaces are the operator's to grant. Who had repositories in one keeps it, and a tenant has the one of its own name
-- unless somebody else has it. The built-in tenant may use those that nobody has.
create table namespace (
    name       text        primary key,
    tenant     uuid        not null references tenant,
    created_at timestamptz not null default now()
);

create index namespace_of_tenant on namespace (tenant, name);

insert into namespace (name, tenant)
    select distinct on (namespace) namespace, tenant from repository order by namespace, created_at;
insert into namespace (name, tenant)
    select name, id from tenant where id <> '00000000-0000-0000-0000-000000000000' on conflict (name) do nothing;
