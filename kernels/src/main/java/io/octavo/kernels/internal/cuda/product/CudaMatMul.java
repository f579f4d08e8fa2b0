package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.GpuDriver;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.product.MatMul;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code matvec.cu}, {@code matmul_narrow.cu}, {@code matmul_stream.cu} and {@code matmul_few.cu} for a few rows of
 * plain activations;
 * {@code matmul.cu} or, on Hopper, {@code matmul_hopper.cu} where both operands have one type that tensor cores take or can
 * be given one; and {@code matmul_general.cu} for all else.
 */
public final class CudaMatMul implements MatMul {

    private static final int VECTOR_BYTES = 16;

    /** Tile and threads of {@code matmul_general.cu}. */
    private static final int GENERAL_TILE = 64;

    private static final int GENERAL_THREADS = 256;

    /** Most rows, outputs a block and threads of {@code matvec.cu}. */
    private static final int VECTOR_ROWS = 8;

    private static final int VECTOR_OUTPUTS = 16;
    private static final int VECTOR_THREADS = 256;

    /** Most rows, columns of a tile, most tiles and threads of a block of {@code matmul_narrow.cu}. */
    private static final int NARROW_ROWS = 16;

    private static final int NARROW_TILE = 8;
    private static final int WIDE_TILES = 4;
    private static final int NARROW_THREADS = 256;

    /** The first compute capability whose tensor cores take 8-bit floats. */
    private static final int FLOAT8 = 89;

    private static final int DECODE_THREADS = 256;

    /** Codes of a thread of {@code decode.cu}, and its name for those of 4 bits. */
    private static final int DECODE_COUNT = 16;

    private static final int NIBBLES = -1;

    private final KernelLibrary library;
    private final GpuDriver driver;
    private final DeviceMemory memory;
    private final WeightStream weightStream;
    private final FewRows fewRows;

    public CudaMatMul(KernelLibrary library, GpuDriver driver, DeviceMemory memory) {
        this.library = library;
        this.driver = driver;
        this.memory = memory;
        this.weightStream = new WeightStream(library, memory, driver);
        this.fewRows = new FewRows(library, memory, driver.multiprocessors());
    }

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkMatMul(a, w, out);
        if (fitsVectors(a, w)) {
            vectors(a, w, out, cuda);
        } else {
            multiplyRows(a, null, w, out, cuda);
        }
    }

    /**
     * The product of some rows of {@code a}, checked by the caller.
     *
     * @param bounds {@code [2, 1]} I32, the first row and the end; null for all rows
     */
    void multiplyRows(ScaledMatrix a, @Nullable Matrix bounds, ScaledMatrix w, Matrix out, CudaStream stream) {
        if (fitsNarrow(a, w)) {
            narrow(a, bounds, w, out, stream);
        } else if (fitsFewRows(a, w)
                && (bounds == null || a.rows() <= FewRows.mostRows(a.columns() / groupColumns(w)))) {
            var weight = new CodedWeight(suffix(w.codes().dtype()), w.codes(), Byte.SIZE, w.scales());
            multiplyFewRows(a.codes(), bounds, weight, out, stream);
        } else if (fitsTensorCores(a, w)) {
            tensorCores(a, bounds, w, out, stream);
        } else if (fitsDecoded(a, w)) {
            decoded(a, bounds, w, out, stream);
        } else {
            general(a, bounds, w, out, stream);
        }
    }

    private static boolean fitsVectors(ScaledMatrix a, ScaledMatrix w) {
        DType type = a.codes().dtype();
        return a.rows() >= 1
                && a.rows() <= VECTOR_ROWS
                && (a.rows() == 1 || !(fitsNarrow(a, w) || fitsFewRows(a, w)))
                && w.rows() >= 1
                && (type == DType.F32 || type == DType.BF16)
                && a.scales() == null
                && hasNoGroups(w)
                && isAligned(a.codes())
                && isAligned(w.codes());
    }

    private static boolean fitsFewRows(ScaledMatrix a, ScaledMatrix w) {
        DType type = w.codes().dtype();
        return a.rows() >= 1
                && w.rows() >= 1
                && a.columns() >= 1
                && a.codes().dtype() == DType.BF16
                && a.scales() == null
                && (type == DType.F8_E4M3 || type == DType.I8)
                && fitFewRows(a.rows(), a.columns(), a.columns() / groupColumns(w))
                && isAligned(a.codes())
                && isAligned(w.codes());
    }

    private static boolean fitFewRows(long rows, long columns, long groups) {
        return WeightStream.fit(rows, columns, groups) || FewRows.fit(rows, columns, groups);
    }

    /** Without bounds, which count from the first row, many rows take several launches. */
    private void multiplyFewRows(Matrix a, @Nullable Matrix bounds, CodedWeight w, Matrix out, CudaStream stream) {
        if (WeightStream.fit(a.rows(), a.columns(), w.groups())) {
            weightStream.multiply(a, bounds, w, out, stream);
            return;
        }
        long most = FewRows.mostRows(w.groups());
        if (a.rows() <= most) {
            fewRows.multiply(a, bounds, w, out, stream);
            return;
        }
        for (long from = 0; from < a.rows(); from += most) {
            long to = Math.min(from + most, a.rows());
            multiplyFewRows(a.rows(from, to), null, w, out.rows(from, to), stream);
        }
    }

    private static long groupColumns(ScaledMatrix w) {
        return w.scales() == null ? w.columns() : w.columns() / w.scales().columns();
    }

    private static boolean fitsNarrow(ScaledMatrix a, ScaledMatrix w) {
        return a.rows() >= 1
                && a.rows() <= NARROW_ROWS
                && w.rows() >= 1
                && a.codes().dtype() == DType.BF16
                && a.scales() == null
                && w.codes().dtype() == DType.BF16
                && hasNoGroups(w)
                && isAligned(a.codes())
                && isAligned(w.codes());
    }

    private boolean fitsTensorCores(ScaledMatrix a, ScaledMatrix w) {
        DType type = w.codes().dtype();
        boolean known = type == DType.BF16
                || type == DType.I8
                || (type == DType.F8_E4M3 && driver.computeCapability() >= FLOAT8);
        return known
                && a.codes().dtype() == type
                && a.rows() >= 1
                && w.rows() >= 1
                && a.columns() >= 1
                && hasNoGroups(w)
                && isAligned(a.codes())
                && isAligned(w.codes());
    }

    /** BF16 holds every 8-bit code exactly; with scales of groups, it is rounded to. */
    private static boolean fitsDecoded(ScaledMatrix a, ScaledMatrix w) {
        DType type = w.codes().dtype();
        return (type == DType.F8_E4M3 || type == DType.I8)
                && a.codes().dtype() == DType.BF16
                && a.rows() >= 1
                && w.rows() >= 1
                && a.columns() >= 1
                && (hasNoGroups(w) || groupColumns(w) % DECODE_COUNT == 0)
                && isAligned(a.codes())
                && isAligned(w.codes());
    }

    private static boolean hasNoGroups(ScaledMatrix w) {
        return w.scales() == null || w.scales().columns() == 1;
    }

    /** Whether every row consists of whole, aligned vectors. */
    private static boolean isAligned(Matrix matrix) {
        long rowBytes = matrix.columns() * matrix.dtype().bytes();
        return ((CudaBuffer.addressOf(matrix) | rowBytes) & (VECTOR_BYTES - 1)) == 0;
    }

    private void vectors(ScaledMatrix a, ScaledMatrix w, Matrix out, CudaStream stream) {
        int rows = Integer.highestOneBit(2 * (int) a.rows() - 1);
        String name = "matvec_" + suffix(w.codes().dtype()) + "_" + rows;
        stream.call(library.kernel("matvec", name))
                .matrix(a.codes())
                .matrix(w.codes())
                .optional(w.scales())
                .matrix(out)
                .number((int) a.rows())
                .number((int) w.rows())
                .number((int) a.columns())
                .type(a.codes().dtype())
                .type(scaleType(w))
                .number(perRow(w.scales()))
                .launch(Grid.of(Math.ceilDiv(w.rows(), (long) VECTOR_OUTPUTS), VECTOR_THREADS));
    }

    private void narrow(ScaledMatrix a, @Nullable Matrix bounds, ScaledMatrix w, Matrix out, CudaStream stream) {
        boolean fillsDevice = w.rows() >= (long) WIDE_TILES * NARROW_TILE * driver.multiprocessors() * 3 / 4;
        int tiles = fillsDevice ? WIDE_TILES : WIDE_TILES / 2;
        int rows = a.rows() <= NARROW_ROWS / 2 ? NARROW_ROWS / 2 : NARROW_ROWS;
        String name = "matmul_narrow_" + tiles + "_" + rows;
        stream.call(library.kernel("matmul_narrow", name))
                .matrix(a.codes())
                .matrix(w.codes())
                .optional(w.scales())
                .matrix(out)
                .optional(bounds)
                .number((int) a.rows())
                .number((int) w.rows())
                .number((int) a.columns())
                .type(scaleType(w))
                .number(perRow(w.scales()))
                .launch(Grid.of(Math.ceilDiv(w.rows(), (long) tiles * NARROW_TILE), NARROW_THREADS));
    }

    /** Decodes the weight into scratch, once for all rows, and multiplies that. Scales of groups go into the weight. */
    private void decoded(ScaledMatrix a, @Nullable Matrix bounds, ScaledMatrix w, Matrix out, CudaStream stream) {
        Matrix codes = w.codes();
        long bytes = Matrix.bytes(DType.BF16, codes.rows(), codes.columns());
        try (DeviceBuffer scratch = memory.scratch("decoded weight", bytes, stream)) {
            Matrix values = Matrix.of(scratch, DType.BF16, codes.rows(), codes.columns());
            boolean grouped = !hasNoGroups(w);
            decode(codes, values, grouped ? w.scales() : null, stream);
            tensorCores(a, bounds, new ScaledMatrix(values, grouped ? null : w.scales()), out, stream);
        }
    }

    /** @param scales of groups, which go into the values; null for the codes as they are */
    private void decode(Matrix codes, Matrix values, @Nullable Matrix scales, CudaStream stream) {
        long groups = scales == null ? 1 : scales.columns();
        stream.call(library.kernel("decode", "decode"))
                .matrix(codes)
                .matrix(values)
                .optional(scales)
                .count(codes.rows())
                .number((int) codes.columns())
                .number((int) (codes.columns() / groups))
                .type(codes.dtype())
                .type(scales == null ? DType.F32 : scales.dtype())
                .launch(Grid.covering(codes.elements() / DECODE_COUNT, DECODE_THREADS));
    }

    /**
     * A product with a weight of 4 bits.
     *
     * @param codes {@code [n, k / 2]}
     * @param scales {@code [n, groups]}
     */
    void multiplyNibbles(Matrix a, Matrix codes, Matrix scales, Matrix out, CudaStream stream) {
        int groupColumns = Math.toIntExact(a.columns() / scales.columns());
        boolean aligned = isAligned(a) && isAligned(codes);
        if (a.rows() == 0 || codes.rows() == 0) {
            return;
        }
        if (a.dtype() == DType.BF16 && aligned && fitFewRows(a.rows(), a.columns(), scales.columns())) {
            multiplyFewRows(a, null, new CodedWeight("i4", codes, Byte.SIZE / 2, scales), out, stream);
            return;
        }
        if (!aligned || groupColumns % DECODE_COUNT != 0) {
            throw new IllegalArgumentException("rows of " + a.columns() + " numbers in groups of " + groupColumns
                    + "; 4-bit products take rows of whole 32 numbers and groups of whole " + DECODE_COUNT);
        }
        long bytes = Matrix.bytes(DType.BF16, codes.rows(), a.columns());
        try (DeviceBuffer scratch = memory.scratch("decoded weight", bytes, stream)) {
            Matrix values = Matrix.of(scratch, DType.BF16, codes.rows(), a.columns());
            boolean rounds = a.dtype() == DType.BF16;
            stream.call(library.kernel("decode", "decode"))
                    .matrix(codes)
                    .matrix(values)
                    .optional(rounds ? scales : null)
                    .count(codes.rows())
                    .number((int) a.columns())
                    .number(groupColumns)
                    .number(NIBBLES)
                    .type(scales.dtype())
                    .launch(Grid.covering(values.elements() / DECODE_COUNT, DECODE_THREADS));
            multiplyRows(ScaledMatrix.plain(a), null, new ScaledMatrix(values, rounds ? null : scales), out, stream);
        }
    }

    private void tensorCores(ScaledMatrix a, @Nullable Matrix bounds, ScaledMatrix w, Matrix out, CudaStream stream) {
        DType type = w.codes().dtype();
        if (bounds == null && HopperTile.fits(driver.computeCapability(), type, a.rows())) {
            if (type == DType.F8_E4M3) {
                decodedFloat8(a, w, out, stream);
            } else {
                hopper(a, w, out, stream);
            }
            return;
        }
        MatMulTile tile = bounds == null
                ? MatMulTile.choose(type, a.rows(), w.rows(), driver.multiprocessors())
                : MatMulTile.MEDIUM;
        String name = (bounds == null ? "matmul_" : "matmul_group_") + suffix(type) + "_" + tile.rows() + "x"
                + tile.columns();
        stream.call(library.kernel("matmul", name, tile.sharedBytes()))
                .matrix(a.codes())
                .optional(a.scales())
                .matrix(w.codes())
                .optional(w.scales())
                .matrix(out)
                .optional(bounds)
                .number((int) a.rows())
                .number((int) w.rows())
                .number(Math.toIntExact(a.columns() * type.bytes()))
                .type(scaleType(a))
                .type(scaleType(w))
                .number(perRow(a.scales()))
                .number(perRow(w.scales()))
                .launch(Grid.of(tile.count(a.rows(), w.rows()), tile.threads()));
    }

    /**
     * As BF16, which holds these codes exactly: Hopper's own products of 8-bit floats keep some 13 bits of a sum, too few for
     * the bounds of docs/kernels.md.
     */
    private void decodedFloat8(ScaledMatrix a, ScaledMatrix w, Matrix out, CudaStream stream) {
        long activations = Matrix.bytes(DType.BF16, a.rows(), a.columns());
        long weights = Matrix.bytes(DType.BF16, w.rows(), w.columns());
        try (DeviceBuffer scratch = memory.scratch("decoded operands", activations + weights, stream)) {
            Matrix left = Matrix.of(scratch, DType.BF16, a.rows(), a.columns());
            Matrix right = new Matrix(scratch, activations, DType.BF16, w.rows(), w.columns());
            decode(a.codes(), left, null, stream);
            decode(w.codes(), right, null, stream);
            hopper(new ScaledMatrix(left, a.scales()), new ScaledMatrix(right, w.scales()), out, stream);
        }
    }

    private void hopper(ScaledMatrix a, ScaledMatrix w, Matrix out, CudaStream stream) {
        DType type = w.codes().dtype();
        HopperTile tile = HopperTile.choose(a.rows(), w.rows(), driver.multiprocessors());
        String name = "matmul_hopper_" + suffix(type) + "_" + tile.columns();
        long blocks = Math.min(tile.count(a.rows(), w.rows()), driver.multiprocessors());
        stream.call(library.kernel("matmul_hopper", name, tile.sharedBytes()))
                .boxes(a.codes(), HopperTile.SLAB_BYTES, HopperTile.ROWS)
                .boxes(w.codes(), HopperTile.SLAB_BYTES, tile.columns())
                .optional(a.scales())
                .optional(w.scales())
                .matrix(out)
                .address(0)
                .number((int) a.rows())
                .number((int) w.rows())
                .number(Math.toIntExact(a.columns() * type.bytes()))
                .type(scaleType(a))
                .type(scaleType(w))
                .number(perRow(a.scales()))
                .number(perRow(w.scales()))
                .launch(Grid.of(blocks, HopperTile.THREADS));
    }

    private void general(ScaledMatrix a, @Nullable Matrix bounds, ScaledMatrix w, Matrix out, CudaStream stream) {
        Matrix wScales = w.scales();
        stream.call(library.kernel("matmul_general", "matmul_general"))
                .matrix(a.codes())
                .optional(a.scales())
                .matrix(w.codes())
                .optional(wScales)
                .matrix(out)
                .optional(bounds)
                .number((int) a.rows())
                .number((int) w.rows())
                .number((int) a.columns())
                .number(wScales == null ? 1 : Math.toIntExact(wScales.columns()))
                .type(a.codes().dtype())
                .type(w.codes().dtype())
                .type(scaleType(a))
                .type(scaleType(w))
                .number(perRow(a.scales()))
                .number(perRow(wScales))
                .launch(new Grid(
                        Math.ceilDiv((int) w.rows(), GENERAL_TILE),
                        Math.ceilDiv((int) a.rows(), GENERAL_TILE),
                        1,
                        GENERAL_THREADS));
    }

    private static DType scaleType(ScaledMatrix matrix) {
        return matrix.scales() == null ? DType.F32 : matrix.scales().dtype();
    }

    /** A tensor of one row has the same scale either way. */
    static int perRow(@Nullable Matrix scales) {
        return scales != null && (scales.rows() > 1 || scales.columns() > 1) ? 1 : 0;
    }

    private static String suffix(DType type) {
        return type == DType.F8_E4M3 ? "e4m3" : type.name().toLowerCase(Locale.ROOT);
    }
}
