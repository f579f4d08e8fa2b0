-- What an artifact runs as on which GPUs, and what to know before loading it, as its label says.
alter table artifact
    add column executes_as jsonb not null default '[]',
    add column warnings    jsonb not null default '[]';
