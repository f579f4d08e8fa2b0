package io.octavo.engine.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.StepRunner.Chunk;
import io.octavo.engine.serve.StepRunner.Drawn;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs the texts of all requests, step by step, in one thread that owns the device.
 *
 * <p>A step takes what the {@link Planner} says and what the {@link StepRunner} makes of it to the readers. It fails alone: its
 * requests are told, the others go on. Only a device that is lost ends everything.
 */
final class Scheduler implements ServedModel {

    private static final System.Logger LOG = System.getLogger(Scheduler.class.getName());

    private static final Duration MOST_TO_CLOSE = Duration.ofMinutes(1);

    private final ServingLimits limits;
    private final TextCodec codec;
    private final Vocabulary vocabulary;
    private final List<Integer> ends;
    private final KvCache cache;
    private final StepRunner runner;
    private final FairQueue queue;
    private final Planner planner;
    private final Thread thread;
    private final Runnable release;
    private final CountDownLatch released = new CountDownLatch(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();

    /** Guarded by the lock, as the three after it. */
    private final Set<ActiveRequest> requests = new LinkedHashSet<>();

    private boolean changed;
    private boolean closing;
    private @Nullable QuantizationException lost;

    private long numbered;
    private volatile boolean alive = true;
    private long steps;
    private long completionTokens;
    private long failures;
    private volatile ServingHealth health;

    /**
     * @param parts taken over: {@link #close()} runs their release
     */
    Scheduler(Parts parts, ServingOptions options) {
        this.limits = parts.limits;
        this.codec = parts.codec;
        this.vocabulary = parts.vocabulary;
        this.ends = parts.ends;
        this.cache = parts.cache;
        this.runner = parts.runner;
        this.release = parts.release;
        this.queue = new FairQueue(options.maxWaiting(), options.maxWaitingOfClient());
        this.planner = new Planner(cache, queue, vocabulary, parts.batchTokens, options);
        this.health = snapshot();
        this.thread = Thread.ofPlatform().daemon().name("octavo-serve").unstarted(this::run);
    }

    /**
     * What a scheduler works with.
     *
     * @param ends end-of-sequence tokens
     * @param batchTokens of a step
     * @param vocabulary of the scheduler's thread alone
     * @param release frees all of it
     */
    record Parts(
            ServingLimits limits,
            List<Integer> ends,
            int batchTokens,
            TextCodec codec,
            Vocabulary vocabulary,
            KvCache cache,
            StepRunner runner,
            Runnable release) {}

    /** Begins to work. */
    Scheduler start() {
        thread.start();
        return this;
    }

    @Override
    public ServingLimits limits() {
        return limits;
    }

    @Override
    public List<Integer> encode(String text) {
        return codec.encode(text);
    }

    @Override
    public List<Integer> encodePrompt(String text) {
        return codec.encodePrompt(text);
    }

    @Override
    public String decode(List<Integer> tokens) {
        return codec.decode(tokens);
    }

    @Override
    public String render(Chat chat) {
        return codec.render(chat);
    }

    @Override
    public Completion submit(CompletionRequest request) {
        requireFit(request);
        lock.lock();
        try {
            if (lost != null) {
                throw new QuantizationException(lost.code(), String.valueOf(lost.getMessage()), lost);
            }
            if (closing) {
                throw new QuantizationException(ErrorCode.SERVING_STOPPED, "the model is no longer served");
            }
            var active = new ActiveRequest(request, numbered, this::wake);
            queue.add(active);
            numbered++;
            requests.add(active);
            changed = true;
            work.signal();
            return active.stream();
        } finally {
            lock.unlock();
        }
    }

    private void requireFit(CompletionRequest request) {
        int tokens = request.prompt().size();
        int room = limits.maxModelLength() - Math.min(request.maxTokens(), 1);
        if (tokens < 1 || tokens > room) {
            throw new QuantizationException(
                    ErrorCode.PROMPT_TOO_LONG,
                    "prompt of " + tokens + " tokens: it must have at least 1, and at most " + room
                            + ", since the model's" + " length is " + limits.maxModelLength());
        }
        request.prompt().forEach(this::requireToken);
        request.sampling().logitBias().keySet().forEach(this::requireToken);
    }

    private void requireToken(int token) {
        Ranges.require("token id", token, 0, limits.vocabularySize() - 1);
    }

    private void wake() {
        lock.lock();
        try {
            changed = true;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ServingHealth health() {
        ServingHealth last = health;
        return new ServingHealth(
                last.alive(),
                last.running(),
                queue.waiting() + last.waiting(),
                last.freePages(),
                last.pages(),
                last.steps(),
                last.promptTokens(),
                last.cachedTokens(),
                last.completionTokens(),
                last.preemptions(),
                last.failures());
    }

    /** Without the texts in the queue. */
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

    private void run() {
        try {
            boolean idle = false;
            while (awaitWork(idle)) {
                idle = !step();
                health = snapshot();
            }
            stop(new QuantizationException(ErrorCode.SERVING_STOPPED, "the model is no longer served"));
        } catch (DeviceFaultException e) {
            stop(new QuantizationException(ErrorCode.DEVICE_FAULT, String.valueOf(e.getMessage()), e));
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "serving ends by a defect", e);
            stop(new QuantizationException(ErrorCode.SERVING_FAILED, "serving ended by a defect: " + e, e));
        } finally {
            release.run();
            released.countDown();
        }
    }

    /** @return false once it is to end */
    private boolean awaitWork(boolean idle) {
        lock.lock();
        try {
            while (idle && !changed && !closing) {
                work.awaitUninterruptibly();
            }
            changed = false;
            return !closing;
        } finally {
            lock.unlock();
        }
    }

    /** @return whether there was anything to do */
    private boolean step() {
        forgetCancelled();
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
            // One that failed takes the other choices of its request along.
            if (isAlive(chunks.get(i).text().request())) {
                goOn(chunks.get(i).text(), drawn.get(i));
            }
        }
        return true;
    }

    private boolean isAlive(ActiveRequest request) {
        lock.lock();
        try {
            return requests.contains(request);
        } finally {
            lock.unlock();
        }
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
            FinishReason reason = text.accept(drawn.token(), ends, limits.maxModelLength());
            if (reason != null) {
                finish(text, reason);
            }
        } else if (text.pending() == 0) {
            finish(text, FinishReason.LENGTH);
        }
        if (othersFollow && isAlive(request)) {
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
            forget(request);
            // Before the reader knows, so that it finds the pages free.
            health = snapshot();
            request.stream().add(new CompletionEvent.End(request.usage()));
        }
    }

    private void forget(ActiveRequest request) {
        lock.lock();
        try {
            requests.remove(request);
        } finally {
            lock.unlock();
        }
    }

    private List<ActiveRequest> active() {
        lock.lock();
        try {
            return List.copyOf(requests);
        } finally {
            lock.unlock();
        }
    }

    private void forgetCancelled() {
        for (ActiveRequest request : active()) {
            if (request.stream().isCancelled()) {
                leave(request);
            }
        }
    }

    private void leave(ActiveRequest request) {
        planner.remove(request);
        queue.end(request, request.unfinished());
        forget(request);
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
        lock.lock();
        try {
            closing = true;
            alive = false;
            lost = reason;
        } finally {
            lock.unlock();
        }
        active().forEach(request -> fail(request, reason.code(), String.valueOf(reason.getMessage())));
        health = snapshot();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        try {
            if (!released.await(MOST_TO_CLOSE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.log(System.Logger.Level.ERROR, "a step does not end; its device memory is not freed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
