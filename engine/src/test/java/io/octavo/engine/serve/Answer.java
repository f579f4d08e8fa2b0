package io.octavo.engine.serve;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** All that came of a request. */
final class Answer {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    static final class Choice {

        final List<TokenInfo> tokens = new ArrayList<>();
        final StringBuilder text = new StringBuilder();

        @Nullable FinishReason reason;

        @Nullable String stop;

        List<Integer> ids() {
            return tokens.stream().map(TokenInfo::id).toList();
        }
    }

    final TreeMap<Integer, Choice> choices = new TreeMap<>();
    CompletionEvent.@Nullable Prompt prompt;
    CompletionEvent.@Nullable Failure failure;

    @Nullable Usage usage;

    /** Reads to the end. */
    static Answer of(Completion completion) {
        var answer = new Answer();
        while (answer.read(completion)) {
            // Each event was noted.
        }
        return answer;
    }

    /** @return whether there are more */
    boolean read(Completion completion) {
        CompletionEvent event = next(completion);
        switch (event) {
            case CompletionEvent.Prompt told -> prompt = told;
            case CompletionEvent.Piece piece -> {
                choice(piece.choice()).text.append(piece.text());
                choice(piece.choice()).tokens.addAll(piece.tokens());
            }
            case CompletionEvent.Finish finish -> {
                choice(finish.choice()).reason = finish.reason();
                choice(finish.choice()).stop = finish.stop();
            }
            case CompletionEvent.End end -> usage = end.usage();
            case CompletionEvent.Failure failed -> failure = failed;
        }
        return !event.last();
    }

    private Choice choice(int number) {
        return choices.computeIfAbsent(number, unknown -> new Choice());
    }

    static CompletionEvent next(Completion completion) {
        try {
            return completion.next(PATIENCE).orElseThrow(() -> new AssertionError("nothing happens"));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    CompletionEvent.Prompt prompt() {
        return Objects.requireNonNull(prompt);
    }

    CompletionEvent.Failure failure() {
        return Objects.requireNonNull(failure);
    }

    Usage usage() {
        return Objects.requireNonNull(usage);
    }

    Choice get(int number) {
        return Objects.requireNonNull(choices.get(number));
    }

    Choice only() {
        return get(0);
    }

    List<Integer> ids() {
        return only().ids();
    }

    String text() {
        return only().text.toString();
    }
}
