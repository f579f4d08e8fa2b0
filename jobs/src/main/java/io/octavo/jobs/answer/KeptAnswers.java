package io.octavo.jobs.answer;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Remembers for a day what a call was answered with. One whose process died may be made again after two minutes. */
@Service
@Transactional
public class KeptAnswers {

    private final JdbcClient sql;

    KeptAnswers(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * @param id of caller and key
     * @param requestSha256 of all that the caller asks for
     * @return the answer of before; empty if the call is now the caller's to make, and to {@link #keep} or {@link #forget}
     * @throws ProblemException {@code idempotency-key-reused} if another request had the key, {@code
     *     idempotency-key-in-use} if the same one is being answered right now
     */
    public Optional<String> begin(String id, String requestSha256) {
        sql.sql("""
                delete from kept_answer where created_at < now() - interval '1 day'
                or id = :id and answer is null and created_at < now() - interval '2 minutes'
                """).param("id", id).update();
        int begun = sql.sql(
                        "insert into kept_answer (id, request_sha256) values (:id, :request) on conflict do nothing")
                .param("id", id)
                .param("request", requestSha256)
                .update();
        return begun == 1 ? Optional.empty() : Optional.of(known(id, requestSha256));
    }

    private String known(String id, String requestSha256) {
        Kept kept = sql.sql("select request_sha256, answer from kept_answer where id = :id")
                .param("id", id)
                .query((row, number) -> new Kept(row.getString(1), row.getString(2)))
                .optional()
                .orElseThrow(KeptAnswers::inUse);
        if (!kept.requestSha256.equals(requestSha256)) {
            throw new ProblemException(
                    ProblemCode.IDEMPOTENCY_KEY_REUSED, "the idempotency key was used with another request");
        }
        if (kept.answer == null) {
            throw inUse();
        }
        return kept.answer;
    }

    public void keep(String id, String answer) {
        sql.sql("update kept_answer set answer = :answer where id = :id")
                .param("id", id)
                .param("answer", answer)
                .update();
    }

    /** A call that changed nothing may be made again. */
    public void forget(String id) {
        sql.sql("delete from kept_answer where id = :id and answer is null")
                .param("id", id)
                .update();
    }

    private static ProblemException inUse() {
        return new ProblemException(
                ProblemCode.IDEMPOTENCY_KEY_IN_USE, "a request with this idempotency key is being answered; try again");
    }

    private record Kept(String requestSha256, @Nullable String answer) {}
}
