package io.octavo.kernels.internal.vector.product;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The product for many rows, blocked for the caches after Goto and van de Geijn (ACM TOMS 34(3), 2008).
 *
 * <p>A piece of work is a block of columns of {@code out} times a run of its rows. It packs its columns' weights once,
 * for all of k, as panels {@code [k][MicroKernel.COLUMNS]}; then, for a few rows at a time, it converts the activations
 * to f32 and lets the micro-kernel add tile by tile. Every sum runs over k in ascending steps of {@link #K_BLOCK},
 * whatever the split, so the result does not depend on it.
 */
final class BlockedProduct {

    /** A weight panel's run of k; a panel (64 columns on AVX-512) then is 128 KiB. */
    private static final int K_BLOCK = 512;

    /** Activation rows at a time: with their sums they take about half of a 2 MiB second-level cache. */
    private static final int ROW_BLOCK = 20 * MicroKernel.ROWS;

    private static final int MAX_COLUMN_BLOCK = 512;

    /** Floats of packed weights a thread may hold: 8 MiB. */
    private static final int MAX_PACKED = 1 << 21;

    /** Rows below which packing the weights again would cost too much. */
    private static final int MIN_ROWS_PER_PIECE = 4 * ROW_BLOCK;

    private final WorkerPool workers;

    BlockedProduct(WorkerPool workers) {
        this.workers = workers;
    }

    void multiply(Operand a, Operand w, long target, int m, int n, int k) {
        if (m == 0 || n == 0) {
            return;
        }
        // Every column block reads the activations once more, so they are split only where rows cannot occupy everyone.
        int shares = m >= workers.threads() * MIN_ROWS_PER_PIECE ? 1 : workers.threads();
        int wanted = Math.min(MAX_COLUMN_BLOCK, Math.ceilDiv(n, shares));
        int allowed = Math.max(1, MAX_PACKED / Math.max(k, 1) / MicroKernel.COLUMNS);
        int columnBlock = Math.min(Math.ceilDiv(wanted, MicroKernel.COLUMNS), allowed) * MicroKernel.COLUMNS;
        int columnBlocks = Math.ceilDiv(n, columnBlock);
        // Several pieces a thread, so that one that is interrupted does not keep the others waiting.
        int rowRuns =
                Math.clamp(Math.ceilDiv(4 * workers.threads(), columnBlocks), 1, Math.ceilDiv(m, MIN_ROWS_PER_PIECE));
        int rowRun = Math.ceilDiv(Math.ceilDiv(m, rowRuns), MicroKernel.ROWS) * MicroKernel.ROWS;
        int pieces = Math.multiplyExact(columnBlocks, Math.ceilDiv(m, rowRun));
        workers.run(pieces, (index, scratch) -> {
            int firstColumn = index % columnBlocks * columnBlock;
            int firstRow = index / columnBlocks * rowRun;
            new Block(a, w, target, n, k, firstColumn, Math.min(columnBlock, n - firstColumn), scratch)
                    .run(firstRow, Math.min(firstRow + rowRun, m));
        });
    }

    /** One piece. */
    private static final class Block {

        private final Operand a;
        private final Operand w;
        private final long target;
        private final int n;
        private final int k;
        private final int firstColumn;
        private final int columns;
        private final int paddedColumns;
        private final float[] panels;
        private final float[] activations;
        private final float[] sums;
        private final float[] columnScales;

        Block(Operand a, Operand w, long target, int n, int k, int firstColumn, int columns, Scratch scratch) {
            this.a = a;
            this.w = w;
            this.target = target;
            this.n = n;
            this.k = k;
            this.firstColumn = firstColumn;
            this.columns = columns;
            paddedColumns = Math.ceilDiv(columns, MicroKernel.COLUMNS) * MicroKernel.COLUMNS;
            panels = scratch.floats(Scratch.Use.WEIGHTS, Math.multiplyExact(paddedColumns, k));
            activations = scratch.floats(Scratch.Use.ACTIVATIONS, ROW_BLOCK * K_BLOCK);
            sums = scratch.floats(Scratch.Use.SUMS, ROW_BLOCK * paddedColumns);
            columnScales = scratch.floats(Scratch.Use.SCALES, paddedColumns);
            pack(scratch.floats(Scratch.Use.ROWS, LANES * K_BLOCK));
        }

        /** Panels of one run of k lie together: those before it hold {@code paddedColumns * from} floats. */
        private void pack(float[] rows) {
            for (int from = 0; from < k; from += K_BLOCK) {
                int count = Math.min(K_BLOCK, k - from);
                for (int column = 0; column < paddedColumns; column += LANES) {
                    for (int lane = 0; lane < LANES; lane++) {
                        if (column + lane < columns) {
                            w.readRow(firstColumn + column + lane, from, count, rows, lane * K_BLOCK);
                        } else {
                            Arrays.fill(rows, lane * K_BLOCK, lane * K_BLOCK + count, 0);
                        }
                    }
                    int panel = column / MicroKernel.COLUMNS * MicroKernel.COLUMNS;
                    int at = paddedColumns * from + panel * count + column - panel;
                    Transpose.intoColumns(rows, K_BLOCK, count, panels, at, MicroKernel.COLUMNS);
                }
            }
            for (int column = 0; column < columns; column++) {
                columnScales[column] = w.scaleRow(firstColumn + column);
            }
        }

        void run(int firstRow, int endRow) {
            for (int row = firstRow; row < endRow; row += ROW_BLOCK) {
                int rows = Math.min(ROW_BLOCK, endRow - row);
                int paddedRows = Math.ceilDiv(rows, MicroKernel.ROWS) * MicroKernel.ROWS;
                if (k == 0) {
                    Arrays.fill(sums, 0, paddedRows * paddedColumns, 0);
                }
                for (int from = 0; from < k; from += K_BLOCK) {
                    int count = Math.min(K_BLOCK, k - from);
                    readActivations(row, rows, paddedRows, from, count);
                    multiplyTiles(paddedRows, from, count);
                }
                for (int i = 0; i < rows; i++) {
                    writeRow(row + i, i * paddedColumns);
                }
            }
        }

        private void readActivations(int row, int rows, int paddedRows, int from, int count) {
            for (int i = 0; i < rows; i++) {
                a.readRow(row + i, from, count, activations, i * count);
            }
            Arrays.fill(activations, rows * count, paddedRows * count, 0);
        }

        private void multiplyTiles(int paddedRows, int from, int count) {
            for (int panel = 0; panel < paddedColumns; panel += MicroKernel.COLUMNS) {
                int panelAt = paddedColumns * from + panel * count;
                for (int i = 0; i < paddedRows; i += MicroKernel.ROWS) {
                    MicroKernel.multiply(
                            activations,
                            i * count,
                            count,
                            panels,
                            panelAt,
                            MicroKernel.COLUMNS,
                            count,
                            sums,
                            i * paddedColumns + panel,
                            paddedColumns,
                            from == 0);
                }
            }
        }

        private void writeRow(int row, int at) {
            float rowScale = a.scaleRow(row);
            long address = target + ((long) row * n + firstColumn) * Float.BYTES;
            int i = 0;
            for (; i + LANES <= columns; i += LANES) {
                FloatVector scale = FloatVector.fromArray(FLOATS, columnScales, i);
                FloatVector sum = FloatVector.fromArray(FLOATS, sums, at + i);
                Native.store(sum.mul(scale).mul(rowScale), address + (long) i * Float.BYTES);
            }
            for (; i < columns; i++) {
                Native.setFloat(address + (long) i * Float.BYTES, sums[at + i] * columnScales[i] * rowScale);
            }
        }
    }
}
