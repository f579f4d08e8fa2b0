package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.attention.CudaAttention;
import io.octavo.kernels.internal.cuda.attention.CudaKvCacheWrite;
import io.octavo.kernels.internal.cuda.attention.CudaRope;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.CudaUnavailableException;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.GpuDriver;
import io.octavo.kernels.internal.cuda.driver.Handles;
import io.octavo.kernels.internal.cuda.driver.HostCopier;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PinnedMemory;
import io.octavo.kernels.internal.cuda.operation.CudaAdd;
import io.octavo.kernels.internal.cuda.operation.CudaArgMax;
import io.octavo.kernels.internal.cuda.operation.CudaConvert;
import io.octavo.kernels.internal.cuda.operation.CudaCrossEntropy;
import io.octavo.kernels.internal.cuda.operation.CudaDivergence;
import io.octavo.kernels.internal.cuda.operation.CudaEmbedding;
import io.octavo.kernels.internal.cuda.operation.CudaExpertCombine;
import io.octavo.kernels.internal.cuda.operation.CudaExpertOrder;
import io.octavo.kernels.internal.cuda.operation.CudaExpertRouting;
import io.octavo.kernels.internal.cuda.operation.CudaFusedSteps;
import io.octavo.kernels.internal.cuda.operation.CudaGatedActivation;
import io.octavo.kernels.internal.cuda.operation.CudaRmsNorm;
import io.octavo.kernels.internal.cuda.operation.CudaSampling;
import io.octavo.kernels.internal.cuda.operation.CudaSoftcap;
import io.octavo.kernels.internal.cuda.product.CudaGroupedMatMul;
import io.octavo.kernels.internal.cuda.product.CudaMatMul;
import io.octavo.kernels.internal.cuda.product.CudaPackedMatMul;
import io.octavo.kernels.internal.cuda.product.Products;
import io.octavo.kernels.internal.cuda.quantization.CudaFakeQuantize;
import io.octavo.kernels.internal.cuda.quantization.CudaObserveHistogram;
import io.octavo.kernels.internal.cuda.quantization.CudaObserveRange;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizationError;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizeRows;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizeTiles;
import io.octavo.kernels.internal.cuda.quantization.CudaSecondMoments;
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

/** One NVIDIA GPU as a device. */
public final class CudaBackend implements Backend {

    /** Left to the driver, for modules and what kernels spill, and to others on the device. */
    private static final long SPARE_BYTES = 512L << 20;

    private final GpuDriver driver;
    private final String description;
    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final PinnedMemory pinned;
    private final HostCopier copier;

    /** In its order memory is allocated, zeroed and freed that belongs to no caller's stream. */
    private final Handles.Stream housekeeping;

    private final QuantizeRows quantizeRows;
    private final MatMul matMul;
    private final RmsNorm rmsNorm;
    private final Rope rope;
    private final KvCacheWrite kvCacheWrite;
    private final FusedSteps fusedSteps;
    private final Attention attention;
    private final GatedActivation gatedActivation;
    private final Embedding embedding;
    private final Add add;
    private final Convert convert;
    private final CrossEntropy crossEntropy;
    private final ArgMax argMax;
    private final Softcap softcap;
    private final ExpertRouting expertRouting;
    private final ExpertOrder expertOrder;
    private final GroupedMatMul groupedMatMul;
    private final ExpertCombine expertCombine;
    private final PackedMatMul packedMatMul;
    private final QuantizeTiles quantizeTiles;
    private final FakeQuantize fakeQuantize;
    private final ObserveRange observeRange;
    private final QuantizationError quantizationError;
    private final ObserveHistogram observeHistogram;
    private final SecondMoments secondMoments;
    private final Divergence divergence;
    private final Sampling sampling;
    private boolean closed;

    private CudaBackend(GpuDriver driver, int threads) {
        this.driver = driver;
        this.library = new KernelLibrary(driver);
        long free = driver.freeBytes();
        this.memory = new DeviceMemory(driver, Math.max(0, free - SPARE_BYTES));
        this.pinned = new PinnedMemory(driver);
        this.copier = new HostCopier(threads);
        this.housekeeping = driver.newStream();
        this.description = "cuda: " + driver.name() + ", compute capability " + driver.computeCapability() / 10.0 + ", "
                + driver.multiprocessors() + " multiprocessors, " + (free >> 20) + " MiB free";
        this.quantizeRows = new CudaQuantizeRows(library);
        var products = Products.of(library, driver, memory);
        this.matMul = new CudaMatMul(products);
        this.rmsNorm = new CudaRmsNorm(library);
        this.rope = new CudaRope(library);
        this.kvCacheWrite = new CudaKvCacheWrite(library);
        this.fusedSteps = new CudaFusedSteps(library);
        this.attention = new CudaAttention(library, memory, driver);
        this.gatedActivation = new CudaGatedActivation(library);
        this.embedding = new CudaEmbedding(library);
        this.add = new CudaAdd(library);
        this.convert = new CudaConvert(library);
        this.crossEntropy = new CudaCrossEntropy(library);
        this.argMax = new CudaArgMax(library);
        this.softcap = new CudaSoftcap(library);
        this.expertRouting = new CudaExpertRouting(library);
        this.expertOrder = new CudaExpertOrder(library);
        this.groupedMatMul = new CudaGroupedMatMul(products);
        this.expertCombine = new CudaExpertCombine(library);
        this.packedMatMul = new CudaPackedMatMul(products);
        this.quantizeTiles = new CudaQuantizeTiles(library);
        this.fakeQuantize = new CudaFakeQuantize(library);
        this.observeRange = new CudaObserveRange(library, driver.multiprocessors());
        this.quantizationError = new CudaQuantizationError(library);
        this.observeHistogram = new CudaObserveHistogram(library, driver.multiprocessors());
        this.secondMoments = new CudaSecondMoments(library, memory, driver);
        this.divergence = new CudaDivergence(library);
        this.sampling = new CudaSampling(library);
    }

    /**
     * @param ordinal number of the device among those that the process sees
     * @param threads for copies between host memory that is pinned and that is not
     * @throws CudaUnavailableException if there is no GPU that this build can use
     */
    public static CudaBackend open(int ordinal, int threads) {
        KernelLibrary.requireBuilt();
        GpuDriver driver = GpuDriver.open(ordinal);
        try {
            return new CudaBackend(driver, threads);
        } catch (RuntimeException e) {
            driver.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public long freeMemoryBytes() {
        return driver.freeBytes();
    }

    @Override
    public int computeCapability() {
        return driver.computeCapability();
    }

    @Override
    public DType productInput() {
        return DType.BF16;
    }

    @Override
    public boolean readsFewerBitsFaster() {
        return true;
    }

    @Override
    public DeviceBuffer allocate(String owner, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(owner + ": negative size " + bytes);
        }
        long address = memory.allocate(owner, bytes, housekeeping);
        var buffer = memory.buffer(owner, address, bytes, () -> housekeeping, null);
        if (bytes > 0) {
            driver.fill(address, (byte) 0, bytes, housekeeping);
        }
        // Other streams must find it allocated and zeroed.
        driver.synchronize(housekeeping);
        return buffer;
    }

    @Override
    public DeviceBuffer place(String owner, MemorySegment host, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        long address = memory.allocate(owner, host.byteSize(), cuda.handle());
        CudaBuffer.Home home = () -> cuda.isClosed() ? housekeeping : cuda.handle();
        var buffer = memory.buffer(owner, address, host.byteSize(), home, host);
        cuda.upload(host, address);
        return buffer;
    }

    @Override
    public HostMemory allocateHost(long bytes) {
        return pinned.allocate(bytes);
    }

    @Override
    public Stream newStream() {
        return new CudaStream(driver, pinned, copier);
    }

    @Override
    public QuantizeRows quantizeRows() {
        return quantizeRows;
    }

    @Override
    public MatMul matMul() {
        return matMul;
    }

    @Override
    public RmsNorm rmsNorm() {
        return rmsNorm;
    }

    @Override
    public Rope rope() {
        return rope;
    }

    @Override
    public KvCacheWrite kvCacheWrite() {
        return kvCacheWrite;
    }

    @Override
    public FusedSteps fusedSteps() {
        return fusedSteps;
    }

    @Override
    public Attention attention() {
        return attention;
    }

    @Override
    public GatedActivation gatedActivation() {
        return gatedActivation;
    }

    @Override
    public Embedding embedding() {
        return embedding;
    }

    @Override
    public Add add() {
        return add;
    }

    @Override
    public Convert convert() {
        return convert;
    }

    @Override
    public CrossEntropy crossEntropy() {
        return crossEntropy;
    }

    @Override
    public ArgMax argMax() {
        return argMax;
    }

    @Override
    public Divergence divergence() {
        return divergence;
    }

    @Override
    public Sampling sampling() {
        return sampling;
    }

    @Override
    public Softcap softcap() {
        return softcap;
    }

    @Override
    public ExpertRouting expertRouting() {
        return expertRouting;
    }

    @Override
    public ExpertOrder expertOrder() {
        return expertOrder;
    }

    @Override
    public GroupedMatMul groupedMatMul() {
        return groupedMatMul;
    }

    @Override
    public QuantizeTiles quantizeTiles() {
        return quantizeTiles;
    }

    @Override
    public FakeQuantize fakeQuantize() {
        return fakeQuantize;
    }

    @Override
    public ObserveRange observeRange() {
        return observeRange;
    }

    @Override
    public QuantizationError quantizationError() {
        return quantizationError;
    }

    @Override
    public ObserveHistogram observeHistogram() {
        return observeHistogram;
    }

    @Override
    public SecondMoments secondMoments() {
        return secondMoments;
    }

    @Override
    public ExpertCombine expertCombine() {
        return expertCombine;
    }

    @Override
    public PackedMatMul packedMatMul() {
        return packedMatMul;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        copier.close();
        library.close();
        driver.destroy(housekeeping);
        driver.close();
    }
}
