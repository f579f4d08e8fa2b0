package io.octavo.engine.transformer;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.operation.Sampling;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The tokens of one forward pass, sequence after sequence. Filling it takes the cache slots of its tokens. */
public final class TokenBatch {

    private final List<KvCache.Sequence> sequences = new ArrayList<>();
    private final IntStream.Builder ids = IntStream.builder();
    private final IntStream.Builder positions = IntStream.builder();
    private final IntStream.Builder slots = IntStream.builder();
    private final IntStream.Builder requests = IntStream.builder();
    private final List<Integer> starts = new ArrayList<>(List.of(0));

    /** Appends {@code tokens} to {@code sequence}; a sequence may be in a batch only once. */
    public TokenBatch add(KvCache.Sequence sequence, int[] tokens) {
        for (int token : tokens) {
            ids.add(token);
            positions.add(sequence.length());
            slots.add(sequence.append());
        }
        sequences.add(sequence);
        starts.add(starts.getLast() + tokens.length);
        return this;
    }

    /** Appends one token that the device knows, and the host does not, to be followed by what {@code request} draws. */
    TokenBatch addCurrent(KvCache.Sequence sequence, Sampling.Request request) {
        IntStream.of(request.encode()).forEach(requests::add);
        return add(sequence, new int[1]);
    }

    public int tokens() {
        return starts.getLast();
    }

    public int sequences() {
        return sequences.size();
    }

    /** The batch's row that holds the last token of sequence {@code index}. */
    public int lastRow(int index) {
        return starts.get(index + 1) - 1;
    }

    int[] ids() {
        return ids.build().toArray();
    }

    int[] positions() {
        return positions.build().toArray();
    }

    int[] slots() {
        return slots.build().toArray();
    }

    int[] queryStarts() {
        return starts.stream().mapToInt(Integer::intValue).toArray();
    }

    int[] contextLengths() {
        return sequences.stream().mapToInt(KvCache.Sequence::length).toArray();
    }

    /** Of sequences whose next token is drawn, one after the other. */
    int[] requests() {
        return requests.build().toArray();
    }

    /** A power of two, so that contexts grow through few shapes. */
    int maxPages() {
        int most = sequences.stream().mapToInt(TokenBatch::filledPages).max().orElse(0);
        return roundedPages(most);
    }

    /** Others are taken in advance. */
    private static int filledPages(KvCache.Sequence sequence) {
        return Math.ceilDiv(sequence.length(), KvCacheLayout.PAGE_TOKENS);
    }

    static int roundedPages(int pages) {
        return pages == 0 ? 0 : Integer.highestOneBit(2 * pages - 1);
    }

    /** {@code [sequences, maxPages]}, unused entries 0. */
    int[] pageTable() {
        int maxPages = maxPages();
        int[] table = new int[sequences.size() * maxPages];
        for (int s = 0; s < sequences.size(); s++) {
            List<Integer> pages = sequences.get(s).pages();
            for (int p = 0; p < filledPages(sequences.get(s)); p++) {
                table[s * maxPages + p] = pages.get(p);
            }
        }
        return table;
    }
}
