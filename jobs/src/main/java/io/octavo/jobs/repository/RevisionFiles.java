package io.octavo.jobs.repository;

import io.octavo.wire.RepositoryFile;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Single files of revisions, which may have thousands. */
@Repository
class RevisionFiles {

    private final JdbcClient sql;

    RevisionFiles(JdbcClient sql) {
        this.sql = sql;
    }

    Optional<RepositoryFile> find(Revision revision, RepositoryPath path) {
        return sql.sql("""
                        select f.path, f.size, f.sha256 from revision_file f
                        join revision v on v.sequence = f.revision_sequence
                        where v.repository_id = :repository and v.id = :revision and f.path = :path
                        """)
                .param("repository", revision.repositoryId())
                .param("revision", revision.id())
                .param("path", path.value())
                .query((row, number) ->
                        new RepositoryFile(row.getString("path"), row.getLong("size"), row.getString("sha256")))
                .optional();
    }
}
