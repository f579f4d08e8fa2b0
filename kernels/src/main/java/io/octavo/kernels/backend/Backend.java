package io.octavo.kernels.backend;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Add;
import io.octavo.kernels.operation.ArgMax;
import io.octavo.kernels.operation.Convert;
import io.octavo.kernels.operation.CrossEntropy;
import io.octavo.kernels.operation.Divergence;
import io.octavo.kernels.operation.Embedding;
import io.octavo.kernels.operation.ExpertCombine;
import io.octavo.kernels.operation.ExpertOrder;
import io.octavo.kernels.operation.ExpertRouting;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.operation.RmsNorm;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.operation.Softcap;
import io.octavo.kernels.product.GroupedMatMul;
import io.octavo.kernels.product.MatMul;
import io.octavo.kernels.product.PackedMatMul;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.ObserveHistogram;
import io.octavo.kernels.quantization.ObserveRange;
import io.octavo.kernels.quantization.QuantizationError;
import io.octavo.kernels.quantization.QuantizeRows;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.SecondMoments;
import java.lang.foreign.MemorySegment;

/**
 * A device: its memory, its streams and its operations.
 *
 * <p>Operations are asynchronous: they validate shapes at once ({@link IllegalArgumentException}), then run in stream
 * order and borrow their buffers until the stream has passed them. They never allocate device memory that the caller
 * sees and never synchronize. Results do not depend on the number of threads. A backend is safe for use by several
 * threads, each with its own stream.
 */
public interface Backend extends AutoCloseable {

    /** {@code cpu} or {@code cuda}. */
    String name();

    /** One line for logs: the device and what of it is used. */
    String description();

    /** Memory of the device that nobody uses now; 0 where operations run in the host's. */
    default long freeMemoryBytes() {
        return 0;
    }

    /** Ten times the compute capability, 90 for 9.0; 0 where there is none. */
    default int computeCapability() {
        return 0;
    }

    /**
     * Allocates zeroed memory.
     *
     * @param owner who accounts for it, for budgets and error messages, such as {@code kv-cache}
     * @throws IllegalStateException if the device has too little free memory; the message names owner and sizes
     */
    DeviceBuffer allocate(String owner, long bytes);

    /**
     * Makes host bytes readable by operations: the CPU backend borrows {@code host} without a copy, a GPU backend copies
     * it in stream order. The result is read-only by contract and must be closed before {@code host} goes away.
     */
    DeviceBuffer place(String owner, MemorySegment host, Stream stream);

    /**
     * Allocates zeroed host memory that {@link DeviceBuffer#copyFrom} and {@link DeviceBuffer#copyTo} serve at full
     * speed, without waiting for the stream.
     *
     * @throws IllegalStateException if the host has too little memory
     */
    HostMemory allocateHost(long bytes);

    Stream newStream();

    /**
     * What activations are best rounded to before they are multiplied with 16-bit weights: F32 where products are
     * computed in f32, BF16 where tensor cores take that.
     */
    DType productInput();

    /** Whether {@link #packedMatMul} is faster than products with the same codes in bytes: where reading weights takes the time. */
    boolean readsFewerBitsFaster();

    QuantizeRows quantizeRows();

    QuantizeTiles quantizeTiles();

    FakeQuantize fakeQuantize();

    ObserveRange observeRange();

    QuantizationError quantizationError();

    ObserveHistogram observeHistogram();

    SecondMoments secondMoments();

    MatMul matMul();

    RmsNorm rmsNorm();

    Rope rope();

    KvCacheWrite kvCacheWrite();

    FusedSteps fusedSteps();

    Attention attention();

    GatedActivation gatedActivation();

    Embedding embedding();

    Add add();

    Convert convert();

    CrossEntropy crossEntropy();

    ArgMax argMax();

    Divergence divergence();

    Sampling sampling();

    Softcap softcap();

    ExpertRouting expertRouting();

    ExpertOrder expertOrder();

    GroupedMatMul groupedMatMul();

    ExpertCombine expertCombine();

    PackedMatMul packedMatMul();

    @Override
    void close();
}
