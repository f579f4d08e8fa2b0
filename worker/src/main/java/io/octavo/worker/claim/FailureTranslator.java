package io.octavo.worker.claim;

import io.octavo.engine.failure.ErrorKind;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.jobs.problem.DatabaseFailure;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.FailureKind;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.Lease;
import io.octavo.worker.attempt.JobScratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessApiUsageException;
import org.springframework.dao.InvalidDataAccessResourceUsageException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Says what a failure means for the job and its user. */
@Component
class FailureTranslator {

    private static final Logger LOG = LoggerFactory.getLogger(FailureTranslator.class);

    Failure translate(Throwable failure, Lease lease, JobScratch scratch) {
        return switch (failure) {
            case QuantizationException e ->
                new Failure(e.code().slug(), kind(e.code().kind()), scratch.hidePaths(String.valueOf(e.getMessage())));
            case ProblemException e -> problem(e, lease);
            case DataAccessException e when databaseIsAway(e) -> databaseDown(e);
            case TransactionException e -> databaseDown(e);
            case UncheckedIOException e -> io(Objects.requireNonNull(e.getCause()), scratch);
            case IOException e -> io(e, scratch);
            case OutOfMemoryError e ->
                Failure.of(ProblemCode.OUT_OF_MEMORY, "the worker ran out of memory: " + e.getMessage());
            default -> unexpected(failure, lease);
        };
    }

    /** Whether it says that the database is away for now, rather than that it refused. */
    static boolean databaseIsAway(RuntimeException failure) {
        return failure instanceof TransactionException
                || (failure instanceof DataAccessException
                        && !(failure instanceof DataIntegrityViolationException)
                        && !(failure instanceof InvalidDataAccessResourceUsageException)
                        && !(failure instanceof InvalidDataAccessApiUsageException));
    }

    Failure unexpectedStop(Lease lease) {
        return unexpected(new IllegalStateException("the work stopped though nobody asked for it"), lease);
    }

    private static Failure problem(ProblemException problem, Lease lease) {
        if (problem.code().category().kind() == FailureKind.INTERNAL) {
            LOG.error("Job {} failed in attempt {}", lease.jobId(), lease.attempt(), problem);
        }
        return Failure.of(problem);
    }

    private static FailureKind kind(ErrorKind kind) {
        return switch (kind) {
            case USER -> FailureKind.USER;
            case RESOURCE -> FailureKind.RESOURCE;
            case TRANSIENT -> FailureKind.TRANSIENT;
            case INTERNAL -> FailureKind.INTERNAL;
        };
    }

    private static Failure databaseDown(RuntimeException failure) {
        return DatabaseFailure.of(failure)
                .map(Failure::of)
                .orElseGet(() -> Failure.of(ProblemCode.DATABASE_UNAVAILABLE, "the database did not answer"));
    }

    private static Failure io(IOException failure, JobScratch scratch) {
        if (DiskFailure.isFull(scratch.folder("."), failure)) {
            return Failure.of(ProblemCode.DISK_FULL, "the worker's disk is full");
        }
        return new Failure(
                "io-failed",
                FailureKind.TRANSIENT,
                "the worker's disk failed: " + scratch.hidePaths(String.valueOf(failure.getMessage())));
    }

    private static Failure unexpected(Throwable failure, Lease lease) {
        LOG.error("Job {} failed in attempt {}", lease.jobId(), lease.attempt(), failure);
        return Failure.of(
                ProblemCode.INTERNAL,
                "an unexpected error ended attempt " + lease.attempt() + "; the worker's log has the details");
    }
}
