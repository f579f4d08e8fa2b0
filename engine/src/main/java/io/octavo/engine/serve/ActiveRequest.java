package io.octavo.engine.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A request on its way, and what the scheduler knows of it. Only its counts may be read by other threads than the
 * scheduler's.
 */
final class ActiveRequest {

    private final CompletionRequest request;
    private final long number;
    private final long seed;
    private final EventStream stream;
    private final List<ServedText> texts = new ArrayList<>();
    private final List<TokenInfo> prompt = new ArrayList<>();
    private final AtomicInteger completionTokens = new AtomicInteger();
    private volatile int cachedTokens;
    private int unfinished;
    private boolean told;

    /**
     * @param number of requests before this one
     * @param changed as {@link EventStream} takes it
     */
    ActiveRequest(CompletionRequest request, long number, Runnable changed) {
        this.request = request;
        this.number = number;
        Long given = request.sampling().seed();
        this.seed = given == null ? ThreadLocalRandom.current().nextLong() : given;
        this.stream = new EventStream(this::usage, changed);
        this.unfinished = request.choices();
        for (int choice = 0; choice < request.choices(); choice++) {
            texts.add(new ServedText(this, choice));
        }
    }

    CompletionRequest request() {
        return request;
    }

    /** Older ones have smaller numbers. */
    long number() {
        return number;
    }

    long seed() {
        return seed;
    }

    EventStream stream() {
        return stream;
    }

    /** Its choices. */
    List<ServedText> texts() {
        return texts;
    }

    Usage usage() {
        return new Usage(request.prompt().size(), cachedTokens, completionTokens.get());
    }

    void found(int tokens) {
        cachedTokens = tokens;
    }

    void countToken() {
        completionTokens.incrementAndGet();
    }

    /** Tokens of the prompt whose log-probabilities are known. */
    int scoredTokens() {
        return prompt.size();
    }

    void score(TokenInfo token) {
        prompt.add(token);
    }

    /** Tells the reader of the prompt, once, if it wants to know and all is known. */
    void tellPrompt(Vocabulary vocabulary) {
        if (!request.echo() || told || wantsScores()) {
            return;
        }
        told = true;
        if (prompt.isEmpty()) {
            request.prompt().forEach(id -> prompt.add(vocabulary.info(id)));
        }
        stream.add(new CompletionEvent.Prompt(vocabulary.decode(request.prompt()), prompt));
    }

    /** Whether the prompt's tokens are to be scored, and are not yet. */
    boolean wantsScores() {
        return request.echo()
                && request.topLogprobs() != null
                && prompt.size() < request.prompt().size();
    }

    /** Choices that have not ended. */
    int unfinished() {
        return unfinished;
    }

    /** @return whether all choices have ended now */
    boolean finishChoice() {
        return --unfinished == 0;
    }
}
