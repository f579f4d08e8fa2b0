package io.octavo.engine.serve;

import io.octavo.engine.transformer.Continuation;
import io.octavo.engine.transformer.Decoder;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.device.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Steps of a {@link Transformer}. A batch mixes texts that go on with pieces of prompts: a pass takes any number of tokens of
 * any text. Where all texts only go on, and by no more than the device knows, the {@link Decoder} can replay what it recorded.
 */
final class TransformerRunner implements StepRunner {

    /** Batches of up to so many texts are recorded, and larger ones of multiples of it: else there would be too many kinds. */
    private static final int RECORDED_TEXTS = 8;

    private final Transformer model;
    private final KvCache cache;
    private final Decoder decoder;
    private final Vocabulary vocabulary;

    TransformerRunner(Transformer model, KvCache cache, Decoder decoder, Vocabulary vocabulary) {
        this.model = model;
        this.cache = cache;
        this.decoder = decoder;
        this.vocabulary = vocabulary;
    }

    @Override
    public List<@Nullable Drawn> run(List<Chunk> chunks) {
        if (isRecordable(chunks)) {
            List<Continuation> texts =
                    chunks.stream().map(chunk -> chunk.text().continuation()).toList();
            return IntStream.of(decoder.next(texts, 1).getFirst())
                    .<@Nullable Drawn>mapToObj(token -> drawn(token, null, List.of()))
                    .toList();
        }
        var batch = new TokenBatch();
        for (Chunk chunk : chunks) {
            batch.add(chunk.text().sequence(), chunk.text().pending(chunk.tokens()));
        }
        Matrix hidden = model.forward(batch, cache);
        for (int i = 0; i < chunks.size(); i++) {
            if (chunks.get(i).text().request().wantsScores()) {
                scorePrompt(chunks.get(i), hidden, batch.lastRow(i));
            }
        }
        return draw(chunks, hidden, batch);
    }

    private static boolean isRecordable(List<Chunk> chunks) {
        return (chunks.size() <= RECORDED_TEXTS || chunks.size() % RECORDED_TEXTS == 0)
                && chunks.stream()
                        .map(Chunk::text)
                        .allMatch(text -> !text.isPrompt()
                                && text.pending() == 1
                                && text.rules() == null
                                && text.request().request().topLogprobs() == null);
    }

    private List<@Nullable Drawn> draw(List<Chunk> chunks, Matrix hidden, TokenBatch batch) {
        List<ServedText> texts = new ArrayList<>();
        int[] rows = IntStream.range(0, chunks.size())
                .filter(i -> draws(chunks.get(i).text()))
                .peek(i -> texts.add(chunks.get(i).text()))
                .map(batch::lastRow)
                .toArray();
        List<@Nullable Drawn> drawn = new ArrayList<>();
        if (texts.isEmpty()) {
            model.synchronize();
            chunks.forEach(chunk -> drawn.add(null));
            return drawn;
        }
        Matrix logits = model.logits(hidden, rows);
        List<@Nullable RowScores> scores = scores(texts, logits);
        changeLogits(texts, logits);
        int[] tokens = decoder.first(
                logits, texts.stream().map(ServedText::continuation).toList());
        int next = 0;
        for (Chunk chunk : chunks) {
            if (draws(chunk.text())) {
                RowScores row = scores.get(next);
                int token = tokens[next++];
                drawn.add(
                        row == null || token < 0
                                ? drawn(token, null, List.of())
                                : drawn(token, row.logprob(token), row.top(vocabulary)));
            } else {
                drawn.add(null);
            }
        }
        return drawn;
    }

    private static boolean draws(ServedText text) {
        return text.pending() == 0 && text.request().request().maxTokens() > 0;
    }

    private Drawn drawn(int token, @Nullable Float logprob, List<TokenInfo.Alternative> top) {
        return new Drawn(
                token < 0
                        ? new TokenInfo(token, "", false, logprob, top)
                        : logprob == null
                                ? new TokenInfo(token, vocabulary.text(token), false, null, top)
                                : vocabulary.info(token, logprob, top));
    }

    /** Of rows that somebody wants scores of, before they are changed. */
    private List<@Nullable RowScores> scores(List<ServedText> texts, Matrix logits) {
        List<float @Nullable []> rows = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            boolean wanted = texts.get(i).request().request().topLogprobs() != null;
            rows.add(wanted ? model.read(logits.rows(i, i + 1)) : null);
        }
        if (rows.stream().allMatch(row -> row == null)) {
            return Collections.nCopies(texts.size(), null);
        }
        int[] likely = rows.stream().mapToInt(TransformerRunner::mostLikely).toArray();
        float[] losses = model.losses(logits, likely);
        List<@Nullable RowScores> scores = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            float[] row = rows.get(i);
            Integer top = texts.get(i).request().request().topLogprobs();
            scores.add(row == null || top == null ? null : new RowScores(row, likely[i], losses[i], top));
        }
        return scores;
    }

    private static int mostLikely(float @Nullable [] row) {
        return row == null ? 0 : RowScores.mostLikely(row);
    }

    private void changeLogits(List<ServedText> texts, Matrix logits) {
        for (int i = 0; i < texts.size(); i++) {
            LogitRules rules = texts.get(i).rules();
            if (rules != null) {
                Matrix row = logits.rows(i, i + 1);
                float[] values = model.read(row);
                rules.apply(values);
                model.write(values, row);
            }
        }
    }

    /** Scores those tokens of a prompt that follow the tokens of a chunk, some rows at a time. */
    private void scorePrompt(Chunk chunk, Matrix hidden, int lastRow) {
        ActiveRequest request = chunk.text().request();
        List<Integer> prompt = request.request().prompt();
        if (request.scoredTokens() == 0) {
            int first = prompt.getFirst();
            request.score(vocabulary.info(first));
        }
        int end = chunk.text().sequence().length();
        while (request.wantsScores() && request.scoredTokens() <= end) {
            // The row of a token scores the token that follows it.
            int from = request.scoredTokens();
            int count = Math.min(model.limits().logitRows(), Math.min(end + 1, prompt.size()) - from);
            int firstRow = lastRow - (end - from);
            Matrix logits = model.logits(
                    hidden, IntStream.range(firstRow, firstRow + count).toArray());
            int[] targets = prompt.subList(from, from + count).stream()
                    .mapToInt(Integer::intValue)
                    .toArray();
            scoreRows(request, targets, logits);
        }
    }

    private void scoreRows(ActiveRequest request, int[] targets, Matrix logits) {
        float[] losses = model.losses(logits, targets);
        int top = Objects.requireNonNull(request.request().topLogprobs());
        float[] all = top == 0 ? new float[0] : model.read(logits);
        int columns = Math.toIntExact(logits.columns());
        for (int i = 0; i < targets.length; i++) {
            List<TokenInfo.Alternative> alternatives = top == 0
                    ? List.of()
                    : new RowScores(Arrays.copyOfRange(all, i * columns, (i + 1) * columns), targets[i], losses[i], top)
                            .top(vocabulary);
            request.score(vocabulary.info(targets[i], -losses[i], alternatives));
        }
    }
}
