package io.octavo.engine.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.transformer.KvCache;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A served model: takes requests from any thread for the one thread that runs a {@link SchedulerLoop}. */
final class Scheduler implements ServedModel {

    private static final System.Logger LOG = System.getLogger(Scheduler.class.getName());

    private static final Duration MOST_TO_CLOSE = Duration.ofMinutes(1);

    private final ServingLimits limits;
    private final TextCodec codec;
    private final FairQueue queue;
    private final Requests requests;
    private final SchedulerLoop loop;
    private final CountDownLatch released = new CountDownLatch(1);

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

    /** @param parts taken over: {@link #close()} runs their release */
    private Scheduler(Parts parts, ServingOptions options) {
        this.limits = parts.limits;
        this.codec = parts.codec;
        this.queue = new FairQueue(options.maxWaiting(), options.maxWaitingOfClient());
        this.requests = new Requests(queue);
        this.loop = new SchedulerLoop(parts, options, queue, requests);
    }

    static Scheduler start(Parts parts, ServingOptions options) {
        var scheduler = new Scheduler(parts, options);
        Thread.ofPlatform().daemon().name("octavo-serve").start(() -> {
            try {
                scheduler.loop.run();
            } finally {
                parts.release.run();
                scheduler.released.countDown();
            }
        });
        return scheduler;
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
        return requests.add(request);
    }

    private void requireToken(int token) {
        Ranges.require("token id", token, 0, limits.vocabularySize() - 1);
    }

    @Override
    public ServingHealth health() {
        return loop.health().withMoreWaiting(queue.waiting());
    }

    @Override
    public void close() {
        requests.close();
        try {
            if (!released.await(MOST_TO_CLOSE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.log(System.Logger.Level.ERROR, "a step does not end; its device memory is not freed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
