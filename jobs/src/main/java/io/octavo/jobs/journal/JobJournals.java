package io.octavo.jobs.journal;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobStateChanged;
import io.octavo.jobs.queue.Lease;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Lists which files a job has kept. */
@Service
@Transactional
public class JobJournals {

    private final JdbcClient sql;
    private final JobQueue queue;

    JobJournals(JdbcClient sql, JobQueue queue) {
        this.sql = sql;
        this.queue = queue;
    }

    /**
     * What attempts at the job have kept, by name.
     *
     * @param contentKey of all that decides what the job makes
     */
    @Transactional(readOnly = true)
    public Map<String, BlobId> of(UUID jobId, String contentKey) {
        return sql
                .sql("select name, sha256, size from job_journal where job_id = :job and content_key = :key")
                .param("job", jobId)
                .param("key", contentKey)
                .query((row, number) -> Map.entry(row.getString(1), new BlobId(row.getString(2), row.getLong(3))))
                .list()
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /**
     * Lists a file that is stored as a blob, in place of what had its name.
     *
     * @return false if the blob was collected meanwhile; nothing is listed then
     * @throws io.octavo.jobs.queue.LeaseLostException if another attempt has the job by now
     */
    public boolean keep(Lease lease, String contentKey, String name, BlobId file) {
        queue.requireHeld(lease);
        return sql.sql("""
                        insert into job_journal as entry (job_id, content_key, name, sha256, size, attempt)
                        select :job, :key, :name, sha256, size, :attempt from blob
                        where sha256 = :sha256 for key share
                        on conflict (job_id, content_key, name) do update
                        set sha256 = excluded.sha256, size = excluded.size, attempt = excluded.attempt, created_at = now()
                        """)
                        .param("job", lease.jobId())
                        .param("key", contentKey)
                        .param("name", name)
                        .param("attempt", lease.attempt())
                        .param("sha256", file.sha256())
                        .update()
                == 1;
    }

    /** An ended job goes on from nowhere. */
    @EventListener
    @Transactional(propagation = Propagation.MANDATORY)
    void on(JobStateChanged change) {
        if (change.status().isTerminal()) {
            sql.sql("delete from job_journal where job_id = :job")
                    .param("job", change.jobId())
                    .update();
        }
    }
}
