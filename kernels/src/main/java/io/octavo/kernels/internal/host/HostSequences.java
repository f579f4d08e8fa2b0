package io.octavo.kernels.internal.host;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.operand.Operands;
import java.util.Arrays;

/**
 * An attention batch read out of its buffers and checked, so that kernels may trust every index: query rows lie inside
 * {@code q} in ascending order, every context holds its queries and fits its row of the page table, every page that a
 * context uses exists.
 */
public final class HostSequences {

    private final int[] queryStarts;
    private final int[] contextLengths;
    private final int[][] pages;

    private HostSequences(int[] queryStarts, int[] contextLengths, int[][] pages) {
        this.queryStarts = queryStarts;
        this.contextLengths = contextLengths;
        this.pages = pages;
    }

    /** @throws IllegalArgumentException if the batch breaks one of the rules above */
    public static HostSequences of(Attention.Batch batch, KvCacheLayout layout, long queryRows) {
        int[] queryStarts = ints(batch.queryStarts());
        int[] contextLengths = ints(batch.contextLengths());
        HostMatrix pageTable = HostMatrix.of(batch.pageTable());
        long maxPages = batch.pageTable().columns();
        int[][] pages = new int[contextLengths.length][];
        for (int s = 0; s < contextLengths.length; s++) {
            long queries = (long) queryStarts[s + 1] - queryStarts[s];
            if (queryStarts[s] < 0 || queries < 0 || queryStarts[s + 1] > queryRows) {
                throw new IllegalArgumentException("sequence " + s + ": query rows [" + queryStarts[s] + ", "
                        + queryStarts[s + 1] + ") of " + queryRows);
            }
            if (contextLengths[s] < queries) {
                throw new IllegalArgumentException("sequence " + s + ": context of " + contextLengths[s]
                        + " tokens does not hold its " + queries + " queries");
            }
            int used = Math.ceilDiv(contextLengths[s], KvCacheLayout.PAGE_TOKENS);
            if (used > maxPages) {
                throw new IllegalArgumentException(
                        "sequence " + s + ": context needs " + used + " pages, the page table has " + maxPages);
            }
            pages[s] = new int[used];
            for (int p = 0; p < used; p++) {
                pages[s][p] = Operands.requireIndex("page", pageTable.getInt(s, p), layout.pages());
            }
        }
        return new HostSequences(queryStarts, contextLengths, pages);
    }

    private static int[] ints(Matrix matrix) {
        int[] values = new int[Math.toIntExact(matrix.columns())];
        HostMatrix source = HostMatrix.of(matrix);
        Arrays.setAll(values, i -> source.getInt(0, i));
        return values;
    }

    public int count() {
        return contextLengths.length;
    }

    /** First query row of a sequence; of the next one for its end. */
    public int queryStart(int sequence) {
        return queryStarts[sequence];
    }

    public int contextLength(int sequence) {
        return contextLengths[sequence];
    }

    /** Position of a query row in its context: the last row sits at the end. */
    public int position(int sequence, int queryRow) {
        return contextLengths[sequence] - (queryStarts[sequence + 1] - queryRow);
    }

    /** The page that holds the {@code index}-th run of {@link KvCacheLayout#PAGE_TOKENS} positions. */
    public int page(int sequence, int index) {
        return pages[sequence][index];
    }

    /** The cache slot of a position. */
    public long slot(int sequence, int position) {
        long page = pages[sequence][position / KvCacheLayout.PAGE_TOKENS];
        return page * KvCacheLayout.PAGE_TOKENS + position % KvCacheLayout.PAGE_TOKENS;
    }
}
