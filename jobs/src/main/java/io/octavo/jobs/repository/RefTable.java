package io.octavo.jobs.repository;

import java.sql.Types;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Branches but {@code main}, which is the repository's own head, and tags. */
@Repository
class RefTable {

    /** Those whose revisions are there; others come back with them, unless their names are given anew. */
    private static final String LIVE = """
            select f.name, f.revision from ref f
            join revision v on v.repository_id = f.repository_id and v.id = f.revision and v.deleted_at is null
            where f.repository_id = :repository and f.type = :type
            """;

    private final JdbcClient sql;

    RefTable(JdbcClient sql) {
        this.sql = sql;
    }

    /** The revision that it names. */
    Optional<String> find(UUID repository, RefType type, String name) {
        return of(LIVE + " and f.name = :name", repository, type)
                .param("name", name)
                .query((row, number) -> row.getString("revision"))
                .optional();
    }

    /** Revisions by name. */
    Map<String, String> list(UUID repository, RefType type) {
        Map<String, String> found = new TreeMap<>();
        of(LIVE, repository, type).query(row -> {
            found.put(row.getString("name"), row.getString("revision"));
        });
        return found;
    }

    long count(UUID repository) {
        return sql.sql("select count(*) from ref where repository_id = :repository")
                .param("repository", repository)
                .query(Long.class)
                .single();
    }

    /** Of a name that {@link #find} does not find. */
    void create(UUID repository, RefType type, String name, String revision, @Nullable String message) {
        of("""
                insert into ref (repository_id, type, name, revision, message)
                values (:repository, :type, :name, :revision, :message)
                on conflict (repository_id, type, name)
                    do update set revision = excluded.revision, message = excluded.message, created_at = now()
                """, repository, type)
                .param("name", name)
                .param("revision", revision)
                .param("message", message, Types.VARCHAR)
                .update();
    }

    void moveBranch(UUID repository, String name, String revision) {
        of(
                        "update ref set revision = :revision where repository_id = :repository and type = :type and name = :name",
                        repository,
                        RefType.BRANCH)
                .param("name", name)
                .param("revision", revision)
                .update();
    }

    /** @return false where there is none */
    boolean delete(UUID repository, RefType type, String name) {
        return of(
                                "delete from ref where repository_id = :repository and type = :type and name = :name",
                                repository,
                                type)
                        .param("name", name)
                        .update()
                == 1;
    }

    /** Hides what was committed to branches and nothing leads to any more. */
    void deleteUnreached(UUID repository) {
        sql.sql("""
                        with recursive reached (id, parent) as (
                            select v.id, v.parent from revision v
                            where v.repository_id = :repository and v.id in (
                                select f.revision from ref f where f.repository_id = :repository
                                union select r.head from repository r where r.id = :repository)
                            union
                            select v.id, v.parent from reached join revision v
                                on v.repository_id = :repository and v.id = reached.parent)
                        update revision v set deleted_at = now()
                        where v.repository_id = :repository and v.branch <> 'main' and v.deleted_at is null
                            and v.id not in (select id from reached)
                        """).param("repository", repository).update();
    }

    private JdbcClient.StatementSpec of(String statement, UUID repository, RefType type) {
        return sql.sql(statement).param("repository", repository).param("type", type.slug());
    }
}
