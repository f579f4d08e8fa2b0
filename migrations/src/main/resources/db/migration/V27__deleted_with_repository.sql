-- Whether a revision was deleted because its repository was: a repository that was pushed to again since tells by it what
-- its own deletion took. Replicas of the version before leave it false; what they delete is restored by its time alone.
alter table revision add column deleted_with_repository boolean not null default false;
