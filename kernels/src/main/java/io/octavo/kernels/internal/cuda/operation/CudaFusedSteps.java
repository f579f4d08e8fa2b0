package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.attention.CudaKvCacheWrite;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.Rows;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Launches {@code normalize_round.cu}, {@code activate_round.cu} and {@code rotate_write.cu}. */
public final class CudaFusedSteps implements FusedSteps {

    /** {@code kKept} and {@code kMostThreads} of the kernels of rows. */
    private static final int KEPT = 4;

    private static final int MOST_THREADS = 1024;

    /** Of a block of {@code rotate_write}; each warp has a head. */
    private static final int THREADS = 256;

    private static final int WARP = 32;

    private final KernelLibrary library;

    public CudaFusedSteps(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void normalize(
            Matrix x,
            @Nullable Matrix addend,
            Matrix weight,
            float gainOffset,
            float epsilon,
            Matrix scratch,
            ScaledMatrix rounded,
            float divisor,
            Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        FusedSteps.checkNormalize(x, addend, weight, scratch, rounded, divisor);
        String kernel = "normalize_round_" + suffix(weight) + "_" + suffix(rounded.codes());
        cuda.call(library.kernel("normalize_round", kernel))
                .matrix(x)
                .optional(addend)
                .matrix(weight)
                .matrix(rounded.codes())
                .optional(rounded.scales())
                .count(x.columns())
                .number(gainOffset)
                .number(epsilon)
                .number(divisor)
                .launch(Grid.of(x.rows(), Rows.threads(x, KEPT, MOST_THREADS)));
    }

    @Override
    public void activate(
            GatedActivation.Function function,
            Matrix gate,
            Matrix up,
            ScaledMatrix rounded,
            float divisor,
            Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        FusedSteps.checkActivate(gate, up, rounded, divisor);
        String kernel = "activate_round_" + function.name().toLowerCase(Locale.ROOT) + "_" + suffix(rounded.codes());
        cuda.call(library.kernel("activate_round", kernel))
                .matrix(gate)
                .matrix(up)
                .matrix(rounded.codes())
                .optional(rounded.scales())
                .count(gate.columns())
                .number(divisor)
                .launch(Grid.of(gate.rows(), Rows.threads(gate, KEPT, MOST_THREADS)));
    }

    @Override
    public void rotateAndWrite(
            Matrix q,
            Matrix k,
            Matrix v,
            Rotation rotation,
            Matrix slots,
            KvCacheLayout layout,
            KvCacheTensor keys,
            KvCacheTensor values,
            Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        FusedSteps.checkRotateAndWrite(q, k, v, rotation, slots, layout, keys, values);
        int heads = Math.toIntExact(q.columns() / layout.headDim());
        KernelCall call = cuda.call(library.kernel("rotate_write", "rotate_write"))
                .matrix(q)
                .matrix(k)
                .matrix(v)
                .matrix(rotation.positions())
                .matrix(rotation.cos())
                .matrix(rotation.sin())
                .matrix(slots)
                .matrix(keys.numbers())
                .optional(keys.scales())
                .matrix(values.numbers())
                .optional(values.scales())
                .count(rotation.cos().rows())
                .count(layout.pages())
                .number(heads)
                .number(layout.kvHeads())
                .number(layout.headDim())
                .number((int) rotation.cos().columns());
        cache(cache(call, keys), values)
                .launch(new Grid(
                        Math.toIntExact(q.rows()),
                        Math.ceilDiv((heads + 2 * layout.kvHeads()) * WARP, THREADS),
                        1,
                        THREADS));
    }

    private static KernelCall cache(KernelCall call, KvCacheTensor cache) {
        DType type = cache.numbers().dtype();
        return call.type(type)
                .number(CudaKvCacheWrite.headStride(cache))
                .number(CudaKvCacheWrite.tokenStride(cache))
                .number(KvCacheWrite.divisor(type));
    }

    private static String suffix(Matrix matrix) {
        DType type = matrix.dtype();
        return type == DType.F8_E4M3 ? "e4m3" : type.name().toLowerCase(Locale.ROOT);
    }
}
