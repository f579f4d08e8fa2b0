package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.attention.CudaAttention;
import io.octavo.kernels.internal.cuda.attention.CudaKvCacheWrite;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelCall;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.Rows;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Convert;
import io.octavo.kernels.operation.FusedSteps;
import java.util.Locale;

/** Launches {@code normalize_round.cu}, {@code activate_round.cu} and {@code rotate_write.cu}, and attention. */
public final class CudaFusedSteps implements FusedSteps {

    /** Each has a head in {@code rotate_write}. */
    private static final int WARP = 32;

    private final KernelLibrary library;
    private final CudaAttention attention;
    private final Convert convert;

    public CudaFusedSteps(KernelLibrary library, CudaAttention attention, Convert convert) {
        this.library = library;
        this.attention = attention;
        this.convert = convert;
    }

    @Override
    public void normalize(Normalization arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        String kernel = "normalize_round_" + suffix(arguments.weight()) + "_"
                + suffix(arguments.rounded().codes());
        KernelFile file = library.file("normalize_round");
        cuda.call(file.kernel(kernel))
                .matrix(arguments.x())
                .optional(arguments.addend())
                .matrix(arguments.weight())
                .matrix(arguments.rounded().codes())
                .optional(arguments.rounded().scales())
                .count(arguments.x().columns())
                .number(arguments.gainOffset())
                .number(arguments.epsilon())
                .number(arguments.divisor())
                .launch(rows(arguments.x(), file));
    }

    @Override
    public void activate(Activation arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        String kernel = "activate_round_" + arguments.function().name().toLowerCase(Locale.ROOT) + "_"
                + suffix(arguments.rounded().codes());
        KernelFile file = library.file("activate_round");
        cuda.call(file.kernel(kernel))
                .matrix(arguments.gate())
                .matrix(arguments.up())
                .matrix(arguments.rounded().codes())
                .optional(arguments.rounded().scales())
                .count(arguments.gate().columns())
                .number(arguments.divisor())
                .launch(
                        arguments.rounded().scales() == null
                                ? parts(arguments.gate(), file)
                                : rows(arguments.gate(), file));
    }

    @Override
    public void rotateAndWrite(RotatedWrite arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        int heads = Math.toIntExact(arguments.q().columns() / arguments.layout().headDim());
        Kernel kernel = library.kernel("rotate_write", "rotate_write");
        KernelCall call = cuda.call(kernel)
                .matrix(arguments.q())
                .matrix(arguments.k())
                .matrix(arguments.v())
                .matrix(arguments.rotation().positions())
                .matrix(arguments.rotation().cos())
                .matrix(arguments.rotation().sin())
                .matrix(arguments.slots())
                .matrix(arguments.keys().numbers())
                .optional(arguments.keys().scales())
                .matrix(arguments.values().numbers())
                .optional(arguments.values().scales())
                .count(arguments.rotation().cos().rows())
                .count(arguments.layout().pages())
                .number(heads)
                .number(arguments.layout().kvHeads())
                .number(arguments.layout().headDim())
                .number((int) arguments.rotation().cos().columns());
        cache(cache(call, arguments.keys()), arguments.values())
                .launch(new Grid(
                        Math.toIntExact(arguments.q().rows()),
                        Math.ceilDiv((heads + 2 * arguments.layout().kvHeads()) * WARP, kernel.threads()),
                        1,
                        kernel.threads()));
    }

    @Override
    public void attend(Attention.Arguments arguments, Matrix rounded, Stream stream) {
        FusedSteps.checkAttended(arguments, rounded);
        if (!attention.attendsRounded(arguments, rounded, stream)) {
            attention.attend(arguments, stream);
            convert.convert(arguments.out(), rounded, stream);
        }
    }

    private static Grid rows(Matrix x, KernelFile file) {
        return Grid.of(x.rows(), Rows.threads(x, file.constant("kKept"), file.constant("kMostThreads")));
    }

    /** Of rows whose parts are blocks of their own. */
    private static Grid parts(Matrix x, KernelFile file) {
        int threads = file.constant("kPartThreads");
        int columns = 4 * file.constant("kKept") * threads;
        return new Grid(Math.toIntExact(x.rows()), Math.toIntExact(Math.ceilDiv(x.columns(), columns)), 1, threads);
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
