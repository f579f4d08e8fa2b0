package io.octavo.engine.evaluate;

import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.dataset.Whitespace;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask.Windowing;
import io.octavo.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * The windows of a file of texts.
 *
 * @param whole whether they score every token of every text
 * @param words of all texts: what white space divides, as Python's {@code re.split(r"\s+", text)} counts it
 * @param bytes of all texts in UTF-8
 */
record WindowedText(List<ScoredSequence> windows, boolean whole, long words, long bytes) {

    /** @param name of the task, for messages */
    static WindowedText cut(
            String name,
            Path file,
            Windowing windowing,
            OptionalInt maxWindows,
            Tokenizer tokenizer,
            ModelSpec spec,
            ChatTemplate chats) {
        int limit = maxWindows.orElse(Integer.MAX_VALUE);
        List<ScoredSequence> windows = new ArrayList<>();
        boolean whole = true;
        long words = 0;
        long bytes = 0;
        for (Datasets.Text text : Datasets.texts(file, chats)) {
            if (windows.size() == limit) {
                whole = false;
                break;
            }
            int[] ids = encode(text, windowing, tokenizer, spec);
            List<ScoredSequence> own = TextWindows.cut(windowing, ids, spec.prefixTokenId());
            List<ScoredSequence> taken = own.subList(0, Math.min(own.size(), limit - windows.size()));
            windows.addAll(taken);
            long scored = taken.stream().mapToLong(ScoredSequence::scoredTokens).sum();
            whole &= scored >= ids.length - (startsWithPrefix(ids, spec) ? 1 : 0);
            words += Whitespace.words(text.text());
            bytes += text.text().getBytes(StandardCharsets.UTF_8).length;
        }
        if (windows.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "dataset " + name + " has no window of " + windowing.tokens() + " tokens");
        }
        if (windowing.tokens() > spec.maxPositions()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "windowTokens " + windowing.tokens() + " exceeds the model's " + spec.maxPositions()
                            + " positions");
        }
        return new WindowedText(windows, whole, words, bytes);
    }

    private static int[] encode(Datasets.Text text, Windowing windowing, Tokenizer tokenizer, ModelSpec spec) {
        if (!(windowing instanceof Windowing.Disjoint)) {
            // A rendered chat holds the special tokens that it needs.
            return text.complete() ? tokenizer.encode(text.text()) : tokenizer.encodeComplete(text.text());
        }
        int[] ids = tokenizer.encode(text.text());
        // Each window has the prefix before it, which the first one of a rendered chat would have twice.
        return text.complete() && startsWithPrefix(ids, spec) ? Arrays.copyOfRange(ids, 1, ids.length) : ids;
    }

    private static boolean startsWithPrefix(int[] ids, ModelSpec spec) {
        return ids.length > 0 && spec.prefixTokenId().equals(OptionalInt.of(ids[0]));
    }
}
