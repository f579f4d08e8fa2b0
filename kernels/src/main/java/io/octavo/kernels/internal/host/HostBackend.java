package io.octavo.kernels.internal.host;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.backend.Backend;
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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The processor as a device. Memory is native, so that it does not count against the Java heap. */
public final class HostBackend implements Backend {

    /** A cache line: no two buffers share one, and wide loads do not cross one at the start of a buffer. */
    private static final long ALIGNMENT_BYTES = 64;

    private final String description;
    private final HostOperations operations;
    private final FusedSteps fusedSteps;
    private final Runnable release;

    /** @param release frees what the operations hold, such as threads; idempotent */
    public HostBackend(String description, HostOperations operations, Runnable release) {
        this.description = description;
        this.operations = operations;
        this.fusedSteps = new ComposedSteps(operations);
        this.release = release;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public DeviceBuffer allocate(String owner, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(owner + ": negative size " + bytes);
        }
        Arena arena = Arena.ofShared();
        try {
            return HostBuffer.owning(owner, arena.allocate(bytes, ALIGNMENT_BYTES), arena);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new IllegalStateException(
                    owner + ": cannot allocate " + bytes + " bytes of native memory: " + e.getMessage()
                            + " (the limit is -XX:MaxDirectMemorySize, by default that of the Java heap)",
                    e);
        }
    }

    @Override
    public DeviceBuffer place(String owner, MemorySegment host, Stream stream) {
        HostStream.require(stream);
        if (host.isNative()) {
            return HostBuffer.borrowing(owner, host);
        }
        // Vector loads address native memory only, and a heap array may be moved at any time.
        DeviceBuffer copy = allocate(owner, host.byteSize());
        copy.copyFrom(host, 0, stream);
        return copy;
    }

    @Override
    public HostMemory allocateHost(long bytes) {
        return new NativeMemory(bytes, ALIGNMENT_BYTES);
    }

    @Override
    public DType productInput() {
        return DType.F32;
    }

    @Override
    public boolean readsFewerBitsFaster() {
        return false;
    }

    @Override
    public Stream newStream() {
        return new HostStream();
    }

    @Override
    public QuantizeRows quantizeRows() {
        return operations.quantizeRows();
    }

    @Override
    public QuantizeTiles quantizeTiles() {
        return operations.quantizeTiles();
    }

    @Override
    public FakeQuantize fakeQuantize() {
        return operations.fakeQuantize();
    }

    @Override
    public ObserveRange observeRange() {
        return operations.observeRange();
    }

    @Override
    public QuantizationError quantizationError() {
        return operations.quantizationError();
    }

    @Override
    public ObserveHistogram observeHistogram() {
        return operations.observeHistogram();
    }

    @Override
    public SecondMoments secondMoments() {
        return operations.secondMoments();
    }

    @Override
    public MatMul matMul() {
        return operations.matMul();
    }

    @Override
    public RmsNorm rmsNorm() {
        return operations.rmsNorm();
    }

    @Override
    public Rope rope() {
        return operations.rope();
    }

    @Override
    public KvCacheWrite kvCacheWrite() {
        return operations.kvCacheWrite();
    }

    @Override
    public FusedSteps fusedSteps() {
        return fusedSteps;
    }

    @Override
    public Attention attention() {
        return operations.attention();
    }

    @Override
    public GatedActivation gatedActivation() {
        return operations.gatedActivation();
    }

    @Override
    public Embedding embedding() {
        return operations.embedding();
    }

    @Override
    public Add add() {
        return operations.add();
    }

    @Override
    public Convert convert() {
        return operations.convert();
    }

    @Override
    public CrossEntropy crossEntropy() {
        return operations.crossEntropy();
    }

    @Override
    public ArgMax argMax() {
        return operations.argMax();
    }

    @Override
    public Divergence divergence() {
        return operations.divergence();
    }

    @Override
    public Sampling sampling() {
        return operations.sampling();
    }

    @Override
    public Softcap softcap() {
        return operations.softcap();
    }

    @Override
    public ExpertRouting expertRouting() {
        return operations.expertRouting();
    }

    @Override
    public ExpertOrder expertOrder() {
        return operations.expertOrder();
    }

    @Override
    public GroupedMatMul groupedMatMul() {
        return operations.groupedMatMul();
    }

    @Override
    public ExpertCombine expertCombine() {
        return operations.expertCombine();
    }

    @Override
    public PackedMatMul packedMatMul() {
        return operations.packedMatMul();
    }

    @Override
    public void close() {
        release.run();
    }
}
