package io.octavo.jobs.audit;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Sees to it that a change and its entry stand or fall together: what a call changes is committed in a transaction of its
 * thread, and the entry is appended as the last thing in that transaction. A call that commits nothing gets its entry when
 * it ends.
 */
@Component
public class AuditTrail implements TransactionExecutionListener {

    private static final ThreadLocal<@Nullable Recording> CURRENT = new ThreadLocal<>();

    private final AuditLog log;

    AuditTrail(AuditLog log) {
        this.log = log;
    }

    /** From here to its end, this thread works for the call. */
    public void begin(AuditedCall call) {
        CURRENT.set(new Recording(call));
    }

    /** @param status of the answer */
    public void end(int status) {
        Recording recording = CURRENT.get();
        CURRENT.remove();
        if (recording != null && !recording.committed) {
            log.append(recording.call, AuditOutcome.of(status), status);
        }
    }

    @Override
    public void afterBegin(TransactionExecution transaction, @Nullable Throwable failure) {
        Recording recording = CURRENT.get();
        if (failure == null && recording != null && !recording.committed && !transaction.isReadOnly()) {
            TransactionSynchronizationManager.registerSynchronization(recording);
        }
    }

    private final class Recording implements TransactionSynchronization {

        private final AuditedCall call;
        private boolean committed;

        Recording(AuditedCall call) {
            this.call = call;
        }

        /** What throws here undoes the change, as it should. */
        @Override
        public void beforeCommit(boolean readOnly) {
            log.append(call, AuditOutcome.COMMITTED, null);
        }

        @Override
        public void afterCommit() {
            committed = true;
        }
    }
}
