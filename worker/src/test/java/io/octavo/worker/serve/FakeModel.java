package io.octavo.worker.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingHealth;
import io.octavo.engine.serve.ServingLimits;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.TokenInfo.Alternative;
import io.octavo.engine.serve.Usage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A model whose tokens are characters, and whose texts go on with the next letters: "abc" with "def", the second choice with
 * "fgh".
 */
public final class FakeModel implements ServedModel {

    static final int LENGTH = 64;
    static final int BOS = 1;

    final AtomicInteger submitted = new AtomicInteger();
    final AtomicInteger cancelled = new AtomicInteger();

    /** How often somebody waited for nothing. */
    final AtomicInteger waits = new AtomicInteger();

    volatile CountDownLatch answers = new CountDownLatch(0);

    /** Events that are told before the answers are. */
    volatile int told;

    /** Why it takes no requests, as after its device was lost. */
    public volatile @Nullable ErrorCode refusal;

    /** Whether nothing is worked on. */
    public volatile boolean idle;

    /** Whether it was closed. */
    public final AtomicInteger closed = new AtomicInteger();

    volatile @Nullable ErrorCode failure;

    /** Tokens before the failure. */
    volatile int failsAfter;

    @Override
    public ServingLimits limits() {
        return new ServingLimits(LENGTH, 2 * LENGTH, 1000, 4, 16, 16);
    }

    @Override
    public List<Integer> encode(String text) {
        return text.chars().map(c -> c % 1000).boxed().toList();
    }

    @Override
    public List<Integer> encodePrompt(String text) {
        var tokens = new ArrayList<>(List.of(BOS));
        tokens.addAll(encode(text));
        return tokens;
    }

    @Override
    public String decode(List<Integer> tokens) {
        var text = new StringBuilder();
        tokens.forEach(token -> text.append(token == BOS ? "" : Character.toString(token)));
        return text.toString();
    }

    @Override
    public String render(Chat chat) {
        var text = new StringBuilder();
        for (JsonNode message : chat.messages()) {
            if (message.path("role").asString("").equals("system")) {
                throw new QuantizationException(ErrorCode.CHAT_TEMPLATE_FAILED, "no system messages, please");
            }
            text.append(message.path("content").asString(""));
        }
        return text.toString();
    }

    @Override
    public Completion submit(CompletionRequest request) {
        ErrorCode code = refusal;
        if (code != null) {
            throw new QuantizationException(code, "not now");
        }
        submitted.incrementAndGet();
        return new FakeCompletion(request);
    }

    @Override
    public ServingHealth health() {
        int busy = idle ? 0 : 1;
        return new ServingHealth(refusal == null, busy, 2 * busy, 3, 16, 5, 6, 7, 8, 9, 10);
    }

    @Override
    public void close() {
        closed.incrementAndGet();
    }

    private final class FakeCompletion implements Completion {

        private final CompletionRequest request;
        private final Queue<CompletionEvent> events = new ArrayDeque<>();
        private CompletionEvent last;
        private int read;
        private boolean over;

        FakeCompletion(CompletionRequest request) {
            this.request = request;
            this.last = new CompletionEvent.End(usage());
            if (request.echo()) {
                events.add(new CompletionEvent.Prompt(decode(request.prompt()), promptTokens()));
            }
            int begin = request.prompt().getLast();
            for (int i = 1; i <= tokens(); i++) {
                for (int choice = 0; choice < request.choices(); choice++) {
                    if (failure != null && i > failsAfter) {
                        last = new CompletionEvent.Failure(failure, "it broke", usage());
                        return;
                    }
                    TokenInfo token = info('a' + (begin - 'a' + i + choice * 2 + 26) % 26, true);
                    events.add(new CompletionEvent.Piece(choice, token.text(), List.of(token)));
                }
            }
            for (int choice = 0; choice < request.choices(); choice++) {
                events.add(new CompletionEvent.Finish(choice, FinishReason.LENGTH, null));
            }
        }

        private int tokens() {
            return Math.min(request.maxTokens(), LENGTH - request.prompt().size());
        }

        private List<TokenInfo> promptTokens() {
            var tokens = new ArrayList<TokenInfo>();
            request.prompt().forEach(id -> tokens.add(info(id, !tokens.isEmpty())));
            return tokens;
        }

        private TokenInfo info(int id, boolean scored) {
            String text = id == BOS ? "<s>" : Character.toString(id);
            Integer top = request.topLogprobs();
            if (top == null || !scored) {
                return new TokenInfo(id, text, id == BOS, null, List.of());
            }
            var likely = new ArrayList<Alternative>();
            for (int i = 0; i < top; i++) {
                likely.add(new Alternative('A' + i, Character.toString('A' + i), -i));
            }
            return new TokenInfo(id, text, id == BOS, -0.5f, likely);
        }

        @Override
        public Optional<CompletionEvent> next(Duration patience) throws InterruptedException {
            if (read++ >= told && !answers.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                read--;
                waits.addAndGet(patience.isZero() ? 0 : 1);
                return Optional.empty();
            }
            CompletionEvent next = events.poll();
            over |= next == null;
            return Optional.of(next == null ? last : next);
        }

        @Override
        public void cancel() {
            if (!over) {
                over = true;
                cancelled.incrementAndGet();
            }
        }

        @Override
        public Usage usage() {
            return new Usage(request.prompt().size(), 2, request.choices() * tokens());
        }
    }
}
