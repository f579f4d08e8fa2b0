package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.WholeRows;
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
import io.octavo.kernels.internal.cuda.quantization.CudaCodeRefinement;
import io.octavo.kernels.internal.cuda.quantization.CudaFakeQuantize;
import io.octavo.kernels.internal.cuda.quantization.CudaGptqSweep;
import io.octavo.kernels.internal.cuda.quantization.CudaInverseFactor;
import io.octavo.kernels.internal.cuda.quantization.CudaObserveHistogram;
import io.octavo.kernels.internal.cuda.quantization.CudaObserveRange;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizationError;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizeRows;
import io.octavo.kernels.internal.cuda.quantization.CudaQuantizeTiles;
import io.octavo.kernels.internal.cuda.quantization.CudaScaleSearch;
import io.octavo.kernels.internal.cuda.quantization.CudaSecondMoments;
import io.octavo.kernels.number.DType;
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

    private final Operations operations;
    private boolean closed;

    private CudaBackend(GpuDriver driver, int threads) {
        this.driver = driver;
        this.library = new KernelLibrary(driver);
        long free = driver.memory().freeBytes();
        this.memory = new DeviceMemory(driver, Math.max(0, free - SPARE_BYTES));
        this.pinned = new PinnedMemory(driver);
        this.copier = new HostCopier(threads);
        this.housekeeping = driver.streams().newStream();
        this.description = "cuda: " + driver.name() + ", compute capability " + driver.computeCapability() / 10.0 + ", "
                + driver.multiprocessors() + " multiprocessors, " + (free >> 20) + " MiB free";
        this.operations = operations(library, driver, memory);
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

    private static Operations operations(KernelLibrary library, GpuDriver driver, DeviceMemory memory) {
        var products = Products.of(library, driver, memory);
        var quantizeRows = new CudaQuantizeRows(library);
        var attention = new CudaAttention(library, memory, driver);
        var convert = new CudaConvert(library);
        return new Operations(
                quantizeRows,
                new WholeRows(quantizeRows, new CudaQuantizeTiles(library)),
                new CudaFakeQuantize(library),
                new CudaObserveRange(library, driver.multiprocessors()),
                new CudaQuantizationError(library),
                new CudaObserveHistogram(library, driver.multiprocessors()),
                new CudaSecondMoments(library, memory, driver),
                new CudaInverseFactor(library, memory),
                new CudaScaleSearch(library),
                new CudaGptqSweep(library, memory),
                new CudaCodeRefinement(library, memory),
                new CudaMatMul(products),
                new CudaRmsNorm(library),
                new CudaRope(library),
                new CudaKvCacheWrite(library),
                attention,
                new CudaGatedActivation(library),
                new CudaEmbedding(library),
                new CudaAdd(library),
                convert,
                new CudaCrossEntropy(library),
                new CudaArgMax(library),
                new CudaDivergence(library),
                new CudaSampling(library),
                new CudaSoftcap(library),
                new CudaExpertRouting(library),
                new CudaExpertOrder(library),
                new CudaGroupedMatMul(products, memory),
                new CudaExpertCombine(library),
                new CudaPackedMatMul(products),
                new CudaFusedSteps(library, attention, convert));
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
        return driver.memory().freeBytes();
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
            driver.memory().fill(address, (byte) 0, bytes, housekeeping);
        }
        // Other streams must find it allocated and zeroed.
        driver.streams().synchronize(housekeeping);
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
    public Operations operations() {
        return operations;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        copier.close();
        library.close();
        memory.close(housekeeping);
        driver.streams().destroy(housekeeping);
        driver.close();
    }
}
