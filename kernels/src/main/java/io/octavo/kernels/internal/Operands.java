package io.octavo.kernels.internal;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.quantization.ObserveHistogram;
import io.octavo.kernels.quantization.QuantizationError;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Shape and type checks, one method an operation. They alone stand between a kernel and memory that is not its own: fast
 * kernels read without bounds checks. All throw {@link IllegalArgumentException}.
 */
public final class Operands {

    /** Far above what 8 bits need; keeps quotients where kernels can round them by adding a constant. */
    private static final float MAX_DIVISOR = 1 << 16;

    /** Codes of 4 bits that fill a vector, and what their groups are multiples of. */
    private static final int NIBBLE_ROW = 32;

    private static final int NIBBLE_GROUP = 16;

    private static final Set<DType> FLOATS = EnumSet.of(DType.F32, DType.BF16, DType.F16);
    private static final Set<DType> MATMUL = EnumSet.of(DType.F32, DType.BF16, DType.F16, DType.F8_E4M3, DType.I8);
    private static final Set<DType> PACKED_MATMUL = EnumSet.of(DType.F32, DType.BF16);
    private static final Set<DType> CACHE = EnumSet.of(DType.F32, DType.BF16, DType.F8_E4M3, DType.I8);
    private static final Set<DType> CODES = EnumSet.of(DType.F8_E4M3, DType.I8);

    private Operands() {}

    public static void checkQuantizeRows(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite) {
        requireType("x", x, FLOATS);
        requireType("codes", codes, CODES);
        requireType("scales", scales, FLOATS);
        requireShape("codes", codes, x.rows(), x.columns());
        requireShape("scales", scales, x.rows(), 1);
        requireType("nonFinite", nonFinite, Set.of(DType.I32));
        requireShape("nonFinite", nonFinite, 1, 1);
        requireIntColumns("x", x);
        requireDivisor(divisor);
    }

    private static void requireDivisor(float divisor) {
        if (!(divisor > 0 && divisor <= MAX_DIVISOR)) {
            throw new IllegalArgumentException("divisor must be positive and at most " + MAX_DIVISOR + ": " + divisor);
        }
    }

    public static void checkQuantizeTiles(
            Matrix x,
            CodeFormat format,
            QuantizeTiles.Tile tile,
            Scaling scaling,
            Matrix codes,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            Matrix nonFinite) {
        requireType("x", x, FLOATS);
        requireIntColumns("x", x);
        requireWholeBytes(format, x.columns());
        requireType("codes", codes, Set.of(DType.U8));
        requireShape("codes", codes, x.rows(), format.rowBytes(x.columns()));
        requireType("scales", scales, scaleTypes(scaling));
        requireShape("scales", scales, Math.ceilDiv(x.rows(), tile.rows()), Math.ceilDiv(x.columns(), tile.columns()));
        requireType("nonFinite", nonFinite, Set.of(DType.I32));
        requireShape("nonFinite", nonFinite, 1, 1);
        requireIntegersForZeroPoints(format, scaling);
        if (scaling instanceof Scaling.Range != (zeroPoints != null)) {
            throw new IllegalArgumentException("zeroPoints go with scaling by range, and only with it");
        }
        if (zeroPoints != null) {
            requireType("zeroPoints", zeroPoints, Set.of(DType.I8));
            requireShape("zeroPoints", zeroPoints, scales.rows(), scales.columns());
        }
        if (format.bits() < Byte.SIZE && tile.columns() < x.columns() && tile.columns() % 2 != 0) {
            throw new IllegalArgumentException(format + " shares bytes between columns; tiles are " + tile.columns()
                    + " columns wide, which must be even");
        }
    }

    private static Set<DType> scaleTypes(Scaling scaling) {
        return switch (scaling) {
            case Scaling.Absmax absmax -> FLOATS;
            case Scaling.Range range -> FLOATS;
            case Scaling.Relative relative -> Set.of(DType.F8_E4M3);
            case Scaling.PowerOfTwo power -> Set.of(DType.U8);
            case Scaling.Given given -> FLOATS;
        };
    }

    private static void requireWholeBytes(CodeFormat format, long columns) {
        if (columns * format.bits() % Byte.SIZE != 0) {
            throw new IllegalArgumentException(columns + " columns of " + format + " do not fill whole bytes");
        }
    }

    private static void requireIntegersForZeroPoints(CodeFormat format, Scaling scaling) {
        if (scaling instanceof Scaling.Range && !format.isInteger()) {
            throw new IllegalArgumentException(format + " has no zero points");
        }
    }

    public static void checkFakeQuantize(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out) {
        requireF32("x", x);
        requireF32("out", out);
        requireShape("out", out, x.rows(), x.columns());
        requireIntColumns("x", x);
        requireIntegersForZeroPoints(format, scaling);
        if (scaling instanceof Scaling.Given) {
            throw new IllegalArgumentException("given scales are fixed, not computed");
        }
        if (groupColumns <= 0 || x.columns() % groupColumns != 0) {
            throw new IllegalArgumentException(
                    "groups of " + groupColumns + " do not divide " + x.columns() + " columns");
        }
    }

    public static void checkFakeQuantizeFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out) {
        requireF32("x", x);
        requireF32("out", out);
        requireShape("out", out, x.rows(), x.columns());
        requireIntColumns("x", x);
        requireF32("scales", scales);
        requireShape("scales", scales, 1, scales.columns());
        requireGroups("scales", scales.columns(), x);
        if (zeroPoint != 0 && (!format.isInteger() || zeroPoint < format.lowest() || zeroPoint > format.highest())) {
            throw new IllegalArgumentException("zero point " + zeroPoint + " is none of " + format);
        }
    }

    public static void checkObserveRange(Matrix x, Matrix ranges) {
        requireType("x", x, FLOATS);
        requireIntColumns("x", x);
        requireF32("ranges", ranges);
        requireShape("ranges", ranges, ranges.rows(), 2);
        requireGroups("ranges", ranges.rows(), x);
    }

    public static void checkSecondMoments(Matrix x, Matrix sums) {
        requireType("x", x, Set.of(DType.BF16));
        requireIntColumns("x", x);
        if (x.rows() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("x has " + x.rows() + " rows, more than an int holds");
        }
        requireShape("sums", sums, x.columns(), x.columns());
        checkSecondMoments(sums);
    }

    public static void checkSecondMoments(Matrix sums) {
        requireF32("sums", sums);
        requireIntColumns("sums", sums);
        requireShape("sums", sums, sums.columns(), sums.columns());
    }

    public static void checkQuantizationError(
            Matrix x,
            Matrix codes,
            Matrix codebook,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            Matrix errors,
            Matrix reach) {
        requireType("x", x, FLOATS);
        requireIntColumns("x", x);
        requireType("codes", codes, Set.of(DType.U8));
        requireShape("codes", codes, x.rows(), x.columns());
        requireF32("codebook", codebook);
        requireShape("codebook", codebook, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES);
        if (groupColumns <= 0) {
            throw new IllegalArgumentException("groups must have columns: " + groupColumns);
        }
        requireF32("scales", scales);
        requireShape("scales", scales, x.rows(), Math.ceilDiv(x.columns(), groupColumns));
        if (zeroPoints != null) {
            requireType("zeroPoints", zeroPoints, Set.of(DType.I8));
            requireShape("zeroPoints", zeroPoints, scales.rows(), scales.columns());
        }
        requireType("errors", errors, Set.of(DType.F64));
        requireShape("errors", errors, x.rows(), QuantizationError.COLUMNS);
        requireF32("reach", reach);
        requireShape("reach", reach, x.rows(), 2 * scales.columns());
    }

    private static void requireGroups(String name, long groups, Matrix x) {
        if (groups <= 0 || x.columns() % groups != 0) {
            throw new IllegalArgumentException(
                    name + " are " + groups + ", which does not divide " + x.columns() + " columns");
        }
    }

    public static void checkMatMul(ScaledMatrix a, ScaledMatrix w, Matrix out) {
        requireType("a", a.codes(), MATMUL);
        requireType("w", w.codes(), MATMUL);
        requireF32("out", out);
        requireShape("w", w.codes(), w.rows(), a.columns());
        requireShape("out", out, a.rows(), w.rows());
        requireIntColumns("a", a.codes());
        requireIntRows("a", a.codes());
        requireIntRows("w", w.codes());
        requireScales("a", a);
        requireScales("w", w);
        Matrix aScales = a.scales();
        if (aScales != null && aScales.columns() > 1) {
            throw new IllegalArgumentException(
                    "a has " + aScales.columns() + " scales a row; activations take one a tensor or one a row");
        }
    }

    public static void checkPackedMatMul(Matrix a, Matrix codes, Matrix scales, Matrix out) {
        requireType("a", a, PACKED_MATMUL);
        requireType("codes", codes, Set.of(DType.U8));
        requireType("scales", scales, FLOATS);
        requireF32("out", out);
        requireIntColumns("a", a);
        requireIntRows("a", a);
        requireIntRows("codes", codes);
        if (a.columns() % NIBBLE_ROW != 0) {
            throw new IllegalArgumentException(
                    "a has " + a.columns() + " columns, which must be a multiple of " + NIBBLE_ROW);
        }
        requireShape("codes", codes, codes.rows(), a.columns() / 2);
        requireShape("scales", scales, codes.rows(), scales.columns());
        requireShape("out", out, a.rows(), codes.rows());
        requireGroups("scales", scales.columns(), a);
        if (a.columns() / scales.columns() % NIBBLE_GROUP != 0) {
            throw new IllegalArgumentException("groups of " + a.columns() / scales.columns()
                    + " columns, which must be a multiple of " + NIBBLE_GROUP);
        }
    }

    public static void checkRmsNorm(Matrix x, Matrix weight, Matrix out) {
        requireF32("x", x);
        requireF32("out", out);
        requireType("weight", weight, FLOATS);
        requireShape("weight", weight, 1, x.columns());
        requireShape("out", out, x.rows(), x.columns());
        requireIntColumns("x", x);
    }

    public static void checkNormalizeStep(
            Matrix x, @Nullable Matrix addend, Matrix weight, Matrix scratch, ScaledMatrix rounded, float divisor) {
        checkRmsNorm(x, weight, scratch);
        if (addend != null) {
            requireF32("addend", addend);
            requireShape("addend", addend, x.rows(), x.columns());
        }
        checkRounded(x, rounded, divisor);
    }

    public static void checkActivateStep(Matrix gate, Matrix up, ScaledMatrix rounded, float divisor) {
        checkGatedActivation(gate, up, gate);
        checkRounded(gate, rounded, divisor);
        requireIntColumns("gate", gate);
    }

    /** What products take of {@code x}. */
    private static void checkRounded(Matrix x, ScaledMatrix rounded, float divisor) {
        Matrix codes = rounded.codes();
        Matrix scales = rounded.scales();
        requireShape("rounded", codes, x.rows(), x.columns());
        requireType("rounded", codes, scales == null ? EnumSet.of(DType.F32, DType.BF16) : CODES);
        if (scales != null) {
            requireF32("scales", scales);
            requireShape("scales", scales, x.rows(), 1);
            requireDivisor(divisor);
        }
    }

    public static void checkRotateAndWrite(
            Matrix q,
            Matrix k,
            Matrix v,
            FusedSteps.Rotation rotation,
            Matrix slots,
            KvCacheLayout layout,
            KvCacheTensor keys,
            KvCacheTensor values) {
        checkRope(q, rotation.positions(), rotation.cos(), rotation.sin(), layout.headDim());
        checkRope(k, rotation.positions(), rotation.cos(), rotation.sin(), layout.headDim());
        checkKvCacheWrite(k, slots, layout, keys);
        checkKvCacheWrite(v, slots, layout, values);
    }

    public static void checkRope(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim) {
        if (headDim <= 0 || headDim % 2 != 0 || x.columns() % headDim != 0) {
            throw new IllegalArgumentException(
                    "headDim " + headDim + " must be even and divide the " + x.columns() + " columns of x");
        }
        requireF32("x", x);
        requireF32("cos", cos);
        requireF32("sin", sin);
        requireInts("positions", positions, x.rows());
        if (cos.columns() > headDim / 2) {
            throw new IllegalArgumentException(
                    "cos has " + cos.columns() + " columns; headDim " + headDim + " turns at most " + headDim / 2);
        }
        requireShape("sin", sin, cos.rows(), cos.columns());
        requireIntColumns("x", x);
    }

    public static void checkKvCacheWrite(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache) {
        requireF32("x", x);
        requireShape("x", x, x.rows(), (long) layout.kvHeads() * layout.headDim());
        requireInts("slots", slots, x.rows());
        checkCache("cache", cache, layout);
    }

    private static void checkCache(String name, KvCacheTensor cache, KvCacheLayout layout) {
        requireType(name, cache.numbers(), CACHE);
        requireShape(name, cache.numbers(), layout.rows(), layout.headDim());
        Matrix scales = cache.scales();
        if (CODES.contains(cache.numbers().dtype()) != (scales != null)) {
            throw new IllegalArgumentException(name + ": scales go with caches of 8 bits, and only with them");
        }
        if (scales != null) {
            requireF32(name + " scales", scales);
            boolean given = scales.rows() == 1 && (scales.columns() == 1 || scales.columns() == layout.kvHeads());
            boolean ofTokens = scales.rows() == layout.rows() && scales.columns() == 1;
            if (!given && !ofTokens) {
                throw new IllegalArgumentException(name + " scales are " + scales.rows() + " x " + scales.columns()
                        + ", expected 1 x 1, 1 x " + layout.kvHeads() + " or " + layout.rows() + " x 1");
            }
        }
    }

    public static void checkAttention(
            Matrix q,
            KvCacheTensor keys,
            KvCacheTensor values,
            Attention.Batch batch,
            Attention.Parameters parameters,
            Matrix out) {
        KvCacheLayout layout = parameters.layout();
        requireF32("q", q);
        requireShape("q", q, q.rows(), (long) parameters.heads() * layout.headDim());
        requireF32("out", out);
        requireShape("out", out, q.rows(), q.columns());
        checkCache("keys", keys, layout);
        checkCache("values", values, layout);
        requireType("values", values.numbers(), Set.of(keys.numbers().dtype()));
        if (keys.hasTokenScales() != values.hasTokenScales()) {
            throw new IllegalArgumentException("keys and values must both have scales for tokens, or neither");
        }
        long sequences = batch.contextLengths().columns();
        requireInts("contextLengths", batch.contextLengths(), sequences);
        requireInts("queryStarts", batch.queryStarts(), sequences + 1);
        requireType("pageTable", batch.pageTable(), Set.of(DType.I32));
        requireShape(
                "pageTable", batch.pageTable(), sequences, batch.pageTable().columns());
        requireIntRows("q", q);
        requireIntColumns("q", q);
    }

    public static void checkGatedActivation(Matrix gate, Matrix up, Matrix out) {
        requireF32("gate", gate);
        requireF32("up", up);
        requireF32("out", out);
        requireShape("up", up, gate.rows(), gate.columns());
        requireShape("out", out, gate.rows(), gate.columns());
    }

    public static void checkEmbedding(Matrix table, Matrix ids, Matrix out) {
        requireType("table", table, FLOATS);
        requireF32("out", out);
        requireShape("out", out, out.rows(), table.columns());
        requireInts("ids", ids, out.rows());
        requireIntColumns("table", table);
    }

    public static void checkAdd(Matrix target, Matrix x) {
        requireF32("target", target);
        requireType("x", x, FLOATS);
        requireShape("x", x, x.rows() == 1 ? 1 : target.rows(), target.columns());
        requireIntColumns("target", target);
    }

    public static void checkConvert(Matrix x, Matrix out) {
        requireF32("x", x);
        requireType("out", out, FLOATS);
        requireShape("out", out, x.rows(), x.columns());
    }

    public static void checkCrossEntropy(Matrix logits, Matrix targets, Matrix loss) {
        requireF32("logits", logits);
        requireInts("targets", targets, logits.rows());
        requireF32("loss", loss);
        requireShape("loss", loss, 1, logits.rows());
        requireIntColumns("logits", logits);
        requireAtLeastOneColumn("logits", logits);
    }

    public static void checkArgMax(Matrix x, Matrix indices) {
        requireF32("x", x);
        requireInts("indices", indices, x.rows());
        requireIntColumns("x", x);
        requireAtLeastOneColumn("x", x);
    }

    public static void checkObserveHistogram(Matrix x, float range, Matrix counts) {
        requireType("x", x, FLOATS);
        requireIntColumns("x", x);
        requireType("counts", counts, Set.of(DType.I64));
        requireShape("counts", counts, 1, counts.columns());
        if (counts.columns() < 2 || counts.columns() > ObserveHistogram.MOST_COLUMNS) {
            throw new IllegalArgumentException(
                    "counts has " + counts.columns() + " columns; allowed: 2 to " + ObserveHistogram.MOST_COLUMNS);
        }
        if (!(range > 0 && range < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("range must be positive and finite: " + range);
        }
    }

    public static void checkDivergence(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement) {
        requireF32("reference", reference);
        requireF32("logits", logits);
        requireShape("logits", logits, reference.rows(), reference.columns());
        requireF32("divergence", divergence);
        requireShape("divergence", divergence, 1, reference.rows());
        requireInts("agreement", agreement, reference.rows());
        requireIntColumns("reference", reference);
        requireAtLeastOneColumn("reference", reference);
    }

    public static void checkSampling(Matrix logits, Matrix requests, Matrix seen, Matrix tokens) {
        requireF32("logits", logits);
        requireType("requests", requests, Set.of(DType.I32));
        requireShape("requests", requests, logits.rows(), Sampling.REQUEST_WORDS);
        requireType("seen", seen, Set.of(DType.I32));
        requireShape("seen", seen, logits.rows(), Math.ceilDiv(logits.columns(), (long) Integer.SIZE));
        requireInts("tokens", tokens, logits.rows());
        requireIntColumns("logits", logits);
        requireAtLeastOneColumn("logits", logits);
    }

    public static void checkSoftcap(Matrix x, float cap) {
        requireF32("x", x);
        if (!(cap > 0 && cap < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("cap must be positive and finite: " + cap);
        }
    }

    public static void checkExpertRouting(Matrix logits, Matrix chosen, Matrix weights) {
        requireF32("logits", logits);
        requireType("chosen", chosen, Set.of(DType.I32));
        requireF32("weights", weights);
        requireShape("chosen", chosen, logits.rows(), chosen.columns());
        requireShape("weights", weights, logits.rows(), chosen.columns());
        requireIntColumns("logits", logits);
        if (chosen.columns() < 1 || chosen.columns() > logits.columns()) {
            throw new IllegalArgumentException(
                    "chosen has " + chosen.columns() + " columns; allowed: 1 to the " + logits.columns() + " experts");
        }
    }

    public static void checkExpertOrder(Matrix chosen, Matrix sources, Matrix rows, Matrix starts) {
        requireType("chosen", chosen, Set.of(DType.I32));
        requireInts("sources", sources, chosen.elements());
        requireType("rows", rows, Set.of(DType.I32));
        requireShape("rows", rows, chosen.rows(), chosen.columns());
        requireInts("starts", starts, Math.max(starts.columns(), 2));
        requireInt("rows", chosen.elements());
        requireIntColumns("starts", starts);
    }

    public static void checkGroupedMatMul(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out) {
        if (weights.isEmpty()) {
            throw new IllegalArgumentException("no weights");
        }
        requireInts("starts", starts, weights.size() + 1L);
        for (ScaledMatrix w : weights) {
            requireShape("w", w.codes(), weights.getFirst().rows(), a.columns());
            checkMatMul(a, w, out);
        }
    }

    public static void checkExpertCombine(Matrix x, Matrix rows, Matrix weights, Matrix out) {
        requireF32("x", x);
        requireF32("out", out);
        requireF32("weights", weights);
        requireType("rows", rows, Set.of(DType.I32));
        requireShape("rows", rows, out.rows(), rows.columns());
        requireShape("weights", weights, out.rows(), rows.columns());
        requireShape("out", out, out.rows(), x.columns());
        requireIntColumns("x", x);
        requireIntColumns("rows", rows);
    }

    /** For indices that only the running operation sees. */
    public static int requireIndex(String what, int index, long size) {
        if (index < 0 || index >= size) {
            throw new IllegalArgumentException(what + " " + index + " is outside [0, " + size + ")");
        }
        return index;
    }

    private static void requireF32(String name, Matrix matrix) {
        requireType(name, matrix, Set.of(DType.F32));
    }

    private static void requireInts(String name, Matrix matrix, long count) {
        requireType(name, matrix, Set.of(DType.I32));
        requireShape(name, matrix, 1, count);
    }

    private static void requireScales(String name, ScaledMatrix matrix) {
        Matrix scales = matrix.scales();
        if (scales != null) {
            requireType(name + " scales", scales, FLOATS);
        }
    }

    private static void requireType(String name, Matrix matrix, Set<DType> allowed) {
        if (!allowed.contains(matrix.dtype())) {
            throw new IllegalArgumentException(name + " is " + matrix.dtype() + "; allowed: " + allowed);
        }
    }

    private static void requireShape(String name, Matrix matrix, long rows, long columns) {
        if (matrix.rows() != rows || matrix.columns() != columns) {
            throw new IllegalArgumentException(
                    name + " is " + matrix.rows() + " x " + matrix.columns() + ", expected " + rows + " x " + columns);
        }
    }

    private static void requireIntRows(String name, Matrix matrix) {
        requireInt(name + " rows", matrix.rows());
    }

    private static void requireIntColumns(String name, Matrix matrix) {
        requireInt(name + " columns", matrix.columns());
    }

    private static void requireAtLeastOneColumn(String name, Matrix matrix) {
        if (matrix.columns() == 0) {
            throw new IllegalArgumentException(name + " has no columns");
        }
    }

    private static void requireInt(String what, long value) {
        // Kernels round counts up to their tiles in int arithmetic.
        if (value > Integer.MAX_VALUE - 4096) {
            throw new IllegalArgumentException(what + " must be below 2^31 - 4096: " + value);
        }
    }
}
