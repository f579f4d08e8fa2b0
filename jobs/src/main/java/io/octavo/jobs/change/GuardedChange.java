package io.octavo.jobs.change;

import io.octavo.jobs.problem.DatabaseFailure;
import jakarta.persistence.EntityManager;
import java.lang.reflect.UndeclaredThrowableException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Changes what a look at it allows to be changed, in one serializable transaction: of two that looked at the same and would
 * change it, the database lets one through, and the other one looks anew.
 */
@Service
public class GuardedChange {

    private static final int ATTEMPTS = 10;

    private final TransactionTemplate transactions;
    private final EntityManager entities;

    GuardedChange(PlatformTransactionManager manager, EntityManager entities) {
        this.transactions = new TransactionTemplate(manager);
        this.transactions.setIsolationLevel(TransactionDefinition.ISOLATION_SERIALIZABLE);
        this.entities = entities;
    }

    /**
     * @param look throws where the change is not allowed
     * @param change touches the database alone, since it may be tried more than once
     */
    public <T extends @Nullable Object> T run(Callable<?> look, Callable<T> change) {
        for (int attempt = 1; ; attempt++) {
            try {
                return transactions.<T>execute(transaction -> {
                    call(look);
                    entities.clear(); // the change begins as it does without a look
                    return call(change);
                });
            } catch (RuntimeException e) {
                if (attempt == ATTEMPTS || !DatabaseFailure.metAnother(e)) {
                    throw e;
                }
            }
        }
    }

    private static <T extends @Nullable Object> T call(Callable<T> step) {
        try {
            return step.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new UndeclaredThrowableException(e);
        }
    }
}
