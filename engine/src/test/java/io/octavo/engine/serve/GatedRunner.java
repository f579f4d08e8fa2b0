package io.octavo.engine.serve;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs steps when a test lets it, and lets the test do something before each. */
final class GatedRunner implements StepRunner {

    private final StepRunner runner;
    private final Semaphore allowed = new Semaphore(0);
    private final Semaphore ended = new Semaphore(0);
    private volatile Consumer<List<Chunk>> before = chunks -> {};
    private volatile boolean open;

    GatedRunner(StepRunner runner) {
        this.runner = runner;
    }

    @Override
    public List<@Nullable Drawn> run(List<Chunk> chunks) {
        if (!open) {
            allowed.acquireUninterruptibly();
        }
        try {
            before.accept(chunks);
            return runner.run(chunks);
        } finally {
            ended.release();
        }
    }

    /** Lets one step run, and waits for it. */
    void step() {
        allowed.release();
        ended.acquireUninterruptibly();
    }

    void before(Consumer<List<Chunk>> action) {
        before = action;
    }

    /** Lets all steps run. */
    void open() {
        open = true;
        allowed.release();
    }
}
