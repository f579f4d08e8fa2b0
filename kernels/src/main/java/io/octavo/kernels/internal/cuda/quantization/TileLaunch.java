package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.Scaling;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Launches kernels made of {@code tiles.cuh}, which have one scale a tile.
 *
 * @param kernels what becomes of the numbers
 * @param tileRows rows of a tile
 * @param tileColumns likewise
 * @param zeroPoint of given scales; 0 for all others
 */
record TileLaunch(
        Kernels kernels,
        Matrix x,
        Matrix out,
        CodeFormat format,
        long tileRows,
        long tileColumns,
        Scaling scaling,
        @Nullable Matrix scales,
        @Nullable Matrix zeroPoints,
        @Nullable Matrix nonFinite,
        int zeroPoint) {

    /** Kernels by file: those that make codes, and those that round to what codes can hold. */
    enum Kernels {
        CODES("quantize_tiles"),
        ROUNDING("fake_quantize");

        private final String file;

        Kernels(String file) {
            this.file = file;
        }
    }

    private static final int VECTOR_BYTES = 16;
    private static final int WARP = 32;

    /** The kernels count them in 32 bits, up to some steps past the last. */
    private static final long MOST_TILE_VECTORS = 1L << 30;

    void launch(KernelLibrary library, CudaStream stream) {
        // Nothing ties numbers together whose scale is there already, so such tiles are cut into rows.
        boolean given = scaling instanceof Scaling.Given;
        long workRows = given ? 1 : Math.min(tileRows, Math.max(x.rows(), 1));
        long workColumns = Math.min(tileColumns, Math.max(x.columns(), 1));
        long across = Math.ceilDiv(x.columns(), workColumns);
        KernelFile file = library.file(kernels.file);
        int laneVectors = file.constant("kEach");
        boolean inLanes = fitsLanes(workRows, workColumns, laneVectors);
        boolean byTable = inLanes && isRelative(file, workColumns);
        String name = kernels.file
                + (byTable
                        ? "_relative"
                        : inLanes ? "_lanes_" + Math.min(tileVectors(workColumns), laneVectors) : "_blocks_" + codes())
                + "_"
                + (scaling instanceof Scaling.Range ? "range_" : "")
                + x.dtype().name().toLowerCase(Locale.ROOT);
        long vectors = x.bytes() / VECTOR_BYTES;
        if (!inLanes && workRows * (x.columns() * x.dtype().bytes() / VECTOR_BYTES) > MOST_TILE_VECTORS) {
            throw new IllegalArgumentException("a tile of " + workRows + " rows of " + x.columns() + " " + x.dtype()
                    + " numbers: at most " + MOST_TILE_VECTORS + " vectors of 16 bytes, counted over whole rows");
        }
        Grid grid = inLanes
                ? Grid.covering(
                        Math.ceilDiv(vectors, (long) laneVectors * (byTable ? file.constant("kRelativeRounds") : 1)),
                        file.constant("kLaneThreads"))
                : Grid.of(
                        Math.multiplyExact(Math.ceilDiv(x.rows(), workRows), across),
                        blockThreads(file, workRows * workColumns * x.dtype().bytes()));
        KernelCall call = stream.call(file.kernel(name))
                .matrix(x)
                .matrix(out)
                .optional(scales)
                .optional(zeroPoints)
                .optional(nonFinite)
                .count(x.rows())
                .count(x.columns())
                .count(workRows)
                .count(workColumns)
                .count(given ? tileRows : 1)
                .count(across)
                .number(format.id())
                .number(kind())
                .type(scales == null ? DType.F32 : scales.dtype());
        switch (scaling) {
            case Scaling.Absmax absmax ->
                call.number(absmax.divisor()).number(1f).number(0);
            case Scaling.Relative relative ->
                call.number(relative.divisor()).number(relative.factor()).number(0);
            case Scaling.PowerOfTwo power -> call.number(1f).number(1f).number(power.offset());
            case Scaling.Range range -> call.number(1f).number(1f).number(0);
            case Scaling.Given fixed -> call.number(1f).number(1f).number(0);
        }
        call.number(zeroPoint).launch(grid);
    }

    /** Whether tiles are a power of two of vectors in a row, at most a warp's, and fill the rows. */
    private boolean fitsLanes(long workRows, long workColumns, int laneVectors) {
        long vectors = tileVectors(workColumns);
        return (workRows == 1 || x.rows() == 1)
                && x.columns() % workColumns == 0
                && workColumns * x.dtype().bytes() % VECTOR_BYTES == 0
                && vectors >= 1
                && vectors <= (long) WARP * laneVectors
                && Long.bitCount(vectors) == 1
                && (CudaBuffer.addressOf(x) | CudaBuffer.addressOf(out)) % VECTOR_BYTES == 0;
    }

    /** Whether there are kernels for such scales alone. */
    private boolean isRelative(KernelFile file, long workColumns) {
        return kernels == Kernels.CODES
                && scaling instanceof Scaling.Relative
                && format == CodeFormat.E2M1
                && workColumns == file.constant("kRelativeTile");
    }

    /** What codes a kernel makes that its name promises to be compiled for. */
    private String codes() {
        if (kernels == Kernels.ROUNDING) {
            return "any";
        }
        return switch (format) {
            case E4M3 -> scaling instanceof Scaling.Range ? "any" : "e4m3";
            case INT8, INT8_OFFSET -> "bytes";
            case E2M1, INT4_OFFSET -> "any";
        };
    }

    private long tileVectors(long workColumns) {
        return workColumns * x.dtype().bytes() / VECTOR_BYTES;
    }

    private static int blockThreads(KernelFile file, long tileBytes) {
        long warps = Math.ceilDiv(tileBytes, (long) VECTOR_BYTES * file.constant("kKept") * WARP);
        return Math.clamp(warps * WARP, WARP, file.constant("kBlockThreads"));
    }

    /** As {@code ScalingKind} of tiles.cuh. */
    private int kind() {
        return switch (scaling) {
            case Scaling.Absmax absmax -> 0;
            case Scaling.Range range -> 1;
            case Scaling.Relative relative -> 2;
            case Scaling.PowerOfTwo power -> 3;
            case Scaling.Given given -> 4;
        };
    }
}
