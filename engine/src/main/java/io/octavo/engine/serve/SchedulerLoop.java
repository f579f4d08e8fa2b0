package io.octavo.engine.serve;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.StepRunner.Chunk;
import io.octavo.engine.serve.StepRunner.Drawn;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs the texts of all requests, step by step, in one thread that owns the device.
 *
 * <p>What the {@link StepRunner} makes of what the {@link Planner} says is taken to the readers. A step fails alone: its
 * requests are told, the others go on. Only a device that is lost ends everything.
 */
final class SchedulerLoop implements Runnable {

    private static final System.Logger LOG = System.getLogger(SchedulerLoop.class.getName());

    private final int maxModelLength;
    private final Vocabulary vocabulary;
    private final List<Integer> ends;
    private final KvCache cache;
    private final StepRunner runner;
    private final FairQueue queue;
    private final Requests requests;
    private final Planner planner;
    private long steps;
    private long completionTokens;
    private long failures;
    private boolean alive = true;
    private volatile ServingHealth health;

    SchedulerLoop(Scheduler.Parts parts, ServingOptions options, FairQueue queue, Requests requests) {
        this.maxModelLength = parts.limits().maxModelLength();
        this.vocabulary = parts.vocabulary();
        this.ends = parts.ends();
        this.cache = parts.cache();
        this.runner = parts.runner();
        this.queue = queue;
        this.requests = requests;
        this.planner = new Planner(cache, queue, vocabulary, parts.batchTokens(), options);
        this.health = snapshot();
    }

    /** Without the texts in the queue; for any thread. */
    ServingHealth health() {
        return health;
    }

    private ServingHealth snapshot() {
        return new ServingHealth(
                alive,
                planner.running().size(),
                planner.preempted().size(),
                cache.freePages(),
                cache.pages(),
                steps,
                planner.promptTokens(),
                planner.cachedTokens(),
                completionTokens,
                planner.preemptions(),
                failures);
    }

    @Override
    public void run() {
        try {
            boolean idle = false;
            while (requests.awaitWork(idle)) {
                idle = !step();
                health = snapshot();
            }
            stop(Requests.stopped());
        } catch (DeviceFaultException e) {
            stop(new QuantizationException(ErrorCode.DEVICE_FAULT, String.valueOf(e.getMessage()), e));
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "serving ends by a defect", e);
            stop(new QuantizationException(ErrorCode.SERVING_FAILED, "serving ended by a defect: " + e, e));
        }
    }

    /** @return whether there was anything to do */
    private boolean step() {
        requests.all().stream()
                .filter(request -> request.stream().isCancelled())
                .forEach(this::leave);
        List<Chunk> chunks = planner.plan();
        if (chunks.isEmpty()) {
            return false;
        }
        steps++;
        List<@Nullable Drawn> drawn;
        try {
            drawn = runner.run(chunks);
        } catch (DeviceFaultException e) {
            throw e;
        } catch (OutOfDeviceMemoryException | OutOfMemoryError e) {
            failAll(chunks, ErrorCode.OUT_OF_MEMORY, e);
            return true;
        } catch (RuntimeException e) {
            failAll(chunks, ErrorCode.SERVING_FAILED, e);
            return true;
        }
        for (int i = 0; i < chunks.size(); i++) {
            ServedText text = chunks.get(i).text();
            // One that failed takes the other choices of its request along.
            if (!requests.contains(text.request())) {
                continue;
            }
            try {
                goOn(text, drawn.get(i));
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "a text failed", e);
                fail(text.request(), ErrorCode.SERVING_FAILED, "a text failed: " + e.getMessage());
            }
        }
        return true;
    }

    private void goOn(ServedText text, @Nullable Drawn drawn) {
        ActiveRequest request = text.request();
        if (drawn != null && !drawn.isFinite()) {
            text.sequence().withdraw();
            fail(
                    request,
                    ErrorCode.TENSOR_NOT_FINITE,
                    "logits behind token " + (text.count() - 1) + " of choice " + text.choice() + " hold NaN");
            return;
        }
        if (planner.reusesPrefixes() && text.sequence().isPublishable()) {
            text.sequence().publish(text.tokens());
        }
        request.tellPrompt(vocabulary);
        boolean othersFollow = text.choice() == 0 && text.isPrompt() && text.pending() == 0;
        if (drawn != null) {
            completionTokens++;
            queue.charge(text);
            FinishReason reason = text.accept(drawn.token(), ends, maxModelLength);
            if (reason != null) {
                finish(text, reason);
            }
        } else if (text.pending() == 0) {
            finish(text, FinishReason.LENGTH);
        }
        if (othersFollow && requests.contains(request)) {
            queue.addOthers(request);
        }
    }

    private void finish(ServedText text, FinishReason reason) {
        ActiveRequest request = text.request();
        planner.remove(text);
        queue.end(request, 1);
        request.stream().add(new CompletionEvent.Finish(text.choice(), reason, text.foundStop()));
        if (request.finishChoice()) {
            planner.remove(request);
            requests.remove(request);
            // Before the reader knows, so that it finds the pages free.
            health = snapshot();
            request.stream().add(new CompletionEvent.End(request.usage()));
        }
    }

    private void leave(ActiveRequest request) {
        planner.remove(request);
        queue.end(request, request.unfinished());
        requests.remove(request);
    }

    private void failAll(List<Chunk> chunks, ErrorCode code, Throwable cause) {
        LOG.log(System.Logger.Level.ERROR, "a step of " + chunks.size() + " texts failed", cause);
        Set<ActiveRequest> failed = new HashSet<>();
        chunks.forEach(chunk -> failed.add(chunk.text().request()));
        failed.forEach(request -> fail(request, code, "a step failed: " + cause.getMessage()));
    }

    private void fail(ActiveRequest request, ErrorCode code, String message) {
        failures++;
        leave(request);
        health = snapshot();
        request.stream().add(new CompletionEvent.Failure(code, message, request.usage()));
    }

    /** Fails all requests, and those to come. */
    private void stop(QuantizationException reason) {
        requests.close(reason);
        alive = false;
        health = snapshot();
        requests.all().forEach(request -> fail(request, reason.code(), String.valueOf(reason.getMessage())));
    }
}
