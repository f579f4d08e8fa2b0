package io.octavo.engine.benchmark;

import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.SamplingParameters;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.StopConditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Sends requests to a served model and notes when their tokens come. Used once. */
final class LoadRun {

    private static final long LOOK_MILLIS = 20;
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** Every text gets the length that was drawn for it. */
    private static final StopConditions NEVER = new StopConditions(List.of(), Set.of(), true, false);

    private final ServedModel model;
    private final List<Load.Planned> requests;
    private final Queue<RequestTimes> answered = new ConcurrentLinkedQueue<>();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean stopped;

    /** @param model borrowed */
    LoadRun(ServedModel model, List<Load.Planned> requests) {
        this.model = model;
        this.requests = requests;
    }

    /**
     * @param look called some times a second
     * @return times of all requests, in the order in which they ended
     */
    List<RequestTimes> run(Load.Arrival arrival, JobMonitor monitor, Consumer<ServedModel> look) {
        List<Thread> clients = new ArrayList<>();
        int count = switch (arrival) {
            case Load.Arrival.ClosedLoop loop -> Math.min(loop.concurrency(), requests.size());
            case Load.Arrival.Poisson poisson -> requests.size();
        };
        var running = new CountDownLatch(count);
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            Load.Planned own = requests.get(i);
            clients.add(Thread.ofVirtual().unstarted(() -> {
                try {
                    switch (arrival) {
                        case Load.Arrival.ClosedLoop loop -> askInTurn();
                        case Load.Arrival.Poisson poisson -> askAt(own, start + own.arrivalNanos());
                    }
                } catch (InterruptedException e) {
                    stopped = true; // Whoever interrupts has stopped the run.
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    running.countDown();
                }
            }));
        }
        try {
            clients.forEach(Thread::start);
            await(running, monitor, look);
        } finally {
            stopped = true;
            clients.forEach(Thread::interrupt);
        }
        return List.copyOf(answered);
    }

    private void await(CountDownLatch running, JobMonitor monitor, Consumer<ServedModel> look) {
        try {
            boolean ended = false;
            while (!ended) {
                ended = running.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                look.accept(model);
                monitor.progress((double) answered.size() / requests.size());
                monitor.checkpoint();
                rethrow(failure.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a load was measured", e);
        }
    }

    private static void rethrow(@Nullable Throwable failed) {
        switch (failed) {
            case null -> {}
            case QuantizationException refusal ->
                throw new QuantizationException(refusal.code(), String.valueOf(refusal.getMessage()), refusal);
            default -> throw new IllegalStateException("a client of the load failed", failed);
        }
    }

    private void askInTurn() throws InterruptedException {
        for (int i = next.getAndIncrement(); i < requests.size() && !stopped; i = next.getAndIncrement()) {
            ask(requests.get(i), System.nanoTime());
        }
    }

    private void askAt(Load.Planned request, long arrival) throws InterruptedException {
        long left = arrival - System.nanoTime();
        if (left > 0) {
            Thread.sleep(Duration.ofNanos(left));
        }
        ask(request, arrival);
    }

    /** @param arrival from when on the client waits */
    private void ask(Load.Planned planned, long arrival) throws InterruptedException {
        var request = new CompletionRequest(
                "benchmark",
                planned.prompt(model.limits().vocabularySize()),
                planned.newTokens(),
                SamplingParameters.greedy(),
                NEVER);
        var times = new RequestTimes.Recorder(planned.promptTokens(), arrival);
        try (Completion completion = model.submit(request)) {
            boolean ended = false;
            while (!ended) {
                if (stopped) {
                    return;
                }
                CompletionEvent event = completion.next(PATIENCE).orElse(null);
                switch (event) {
                    case CompletionEvent.Piece piece ->
                        times.tokens(piece.tokens().size(), System.nanoTime());
                    case CompletionEvent.Failure failed ->
                        throw new QuantizationException(failed.code(), failed.message());
                    case CompletionEvent.End end -> ended = true;
                    case null, default -> {}
                }
            }
        }
        answered.add(times.done());
    }
}
