package io.octavo.engine.serve;

import io.octavo.engine.transformer.Continuation;
import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.operation.Sampling;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One choice of a request: its tokens, which of them are in the cache, and how it goes on. */
final class ServedText {

    static final Comparator<ServedText> OLDEST_FIRST =
            Comparator.<ServedText>comparingLong(text -> text.request.number()).thenComparingInt(text -> text.choice);

    private final ActiveRequest request;
    private final int choice;
    private int[] tokens;
    private int count;
    private boolean counted;

    /** What is made when the text begins. */
    private record Begun(
            KvCache.Sequence sequence,
            Continuation continuation,
            @Nullable LogitRules rules,
            Detokenizer detokenizer,
            StopStrings stops) {}

    private @Nullable Begun begun;

    ServedText(ActiveRequest request, int choice) {
        this.request = request;
        this.choice = choice;
        List<Integer> prompt = request.request().prompt();
        this.count = prompt.size();
        this.tokens = choice == 0 ? prompt.stream().mapToInt(Integer::intValue).toArray() : new int[0];
    }

    /** Makes it ready for the cache, unless it has been there. */
    void begin(KvCache cache, Function<List<Integer>, String> decoder) {
        if (begun != null) {
            return;
        }
        CompletionRequest asked = request.request();
        SamplingParameters sampling = asked.sampling();
        if (choice > 0) {
            tokens = asked.prompt().stream().mapToInt(Integer::intValue).toArray();
        }
        KvCache.Sequence sequence = cache.newSequence();
        LogitRules rules = sampling.changesLogits() ? new LogitRules(sampling, asked.prompt()) : null;
        var drawing = new Sampling.Request(
                sampling.temperature(),
                sampling.topK(),
                sampling.topP(),
                sampling.minP(),
                rules == null ? sampling.repetitionPenalty() : 1,
                request.seed(),
                choice,
                0);
        begun = new Begun(
                sequence,
                new Continuation(sequence, drawing, asked.prompt()),
                rules,
                new Detokenizer(decoder, asked.prompt()),
                new StopStrings(asked.stop().strings()));
    }

    private Begun begun() {
        return Objects.requireNonNull(begun, "a text begins before it is scheduled");
    }

    ActiveRequest request() {
        return request;
    }

    int choice() {
        return choice;
    }

    KvCache.Sequence sequence() {
        return begun().sequence;
    }

    Continuation continuation() {
        return begun().continuation;
    }

    @Nullable LogitRules rules() {
        return begun().rules;
    }

    /** Of prompt and text. */
    int count() {
        return count;
    }

    int[] tokens() {
        return Arrays.copyOf(tokens, count);
    }

    int token(int position) {
        return tokens[position];
    }

    /** Tokens that are not in the cache yet. */
    int pending() {
        return count - sequence().length();
    }

    /** The next ones of those. */
    int[] pending(int most) {
        int from = sequence().length();
        return Arrays.copyOfRange(tokens, from, from + most);
    }

    /** Whether it has drawn nothing yet. */
    boolean isPrompt() {
        return count == request.request().prompt().size();
    }

    /** True the first time, so that a prompt counts once, however often it is computed. */
    boolean countPrompt() {
        boolean first = !counted;
        counted = true;
        return first;
    }

    /** Whether somebody reads what it makes. */
    boolean hasRoom() {
        return request.stream().hasRoom();
    }

    /** Gives its pages back; it can go on later. */
    void leaveCache() {
        if (begun != null) {
            begun.sequence.close();
        }
    }

    /**
     * Goes on by a token that was drawn, and tells the reader.
     *
     * @param ends the model's end-of-sequence tokens
     * @param maxModelLength most tokens of prompt and text
     * @return why it has ended, if it has
     */
    @Nullable FinishReason accept(TokenInfo token, List<Integer> ends, int maxModelLength) {
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(count + 64, count + count / 2));
        }
        tokens[count++] = token.id();
        request.countToken();
        if (begun().rules != null) {
            begun().rules.add(token.id());
        }
        StopConditions stop = request.request().stop();
        boolean stops = (!stop.ignoresEnd() && ends.contains(token.id()))
                || stop.tokens().contains(token.id());
        String text = stops && !stop.includesStop()
                ? ""
                : begun().stops.add(begun().detokenizer.add(token.id()));
        int drawn = count - request.request().prompt().size();
        boolean full = drawn >= request.request().maxTokens() || count >= maxModelLength;
        if ((stops || full) && begun().stops.found() == null) {
            text += begun().stops.add(begun().detokenizer.rest());
            text += begun().stops.found() == null ? begun().stops.rest() : "";
        }
        String found = begun().stops.found();
        if (found != null && stop.includesStop()) {
            text += found;
        }
        request.stream().add(new CompletionEvent.Piece(choice, text, List.of(token)));
        if (stops || found != null) {
            return FinishReason.STOP;
        }
        return full ? FinishReason.LENGTH : null;
    }

    /** The stop string that ended it. */
    @Nullable String foundStop() {
        return begun().stops.found();
    }
}
