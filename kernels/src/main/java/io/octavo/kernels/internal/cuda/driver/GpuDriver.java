package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * One device's primary context. Every status that the driver answers is checked here.
 *
 * <p>A failure that poisons the context ({@link DeviceFaultException}) is remembered: every later call fails with it at
 * once, except for those that release something, which do nothing.
 *
 * <p>Safe for use by several threads. Each call makes the context current in its own thread, which may be a virtual one.
 */
public final class GpuDriver implements AutoCloseable {

    /** What the kernels' machine code needs: the driver that came with CUDA 13.0. */
    static final int LEAST_DRIVER_VERSION = 13000;

    private static final int LEAST_COMPUTE_CAPABILITY = 80;

    static final int OUT_OF_MEMORY = CUresult.CUDA_ERROR_OUT_OF_MEMORY;

    /** After these the context is dead. */
    private static final Set<Integer> FAULTS = Set.of(
            CUresult.CUDA_ERROR_DEINITIALIZED,
            CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
            CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
            CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
            CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
            CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
            CUresult.CUDA_ERROR_ASSERT,
            CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
            CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
            CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
            CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
            CUresult.CUDA_ERROR_INVALID_PC,
            CUresult.CUDA_ERROR_LAUNCH_FAILED,
            CUresult.CUDA_ERROR_UNKNOWN);

    private final NativeCalls calls;
    private final NativeCalls.Pool pool;
    private final DriverMemory memory = new DriverMemory(this);
    private final DriverStreams streams = new DriverStreams(this);
    private final DriverModules modules = new DriverModules(this);
    private final CUdevice device = new CUdevice();
    private final long context;
    private final String name;
    private final int computeCapability;
    private final int multiprocessors;
    private final int mostSharedBytes;
    private volatile @Nullable String fault;
    private volatile boolean closed;

    private GpuDriver(NativeCalls calls, int ordinal) {
        this.calls = calls;
        requireDriver();
        requireDevice(ordinal);
        check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
        this.name = readName();
        this.computeCapability = 10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        if (computeCapability < LEAST_COMPUTE_CAPABILITY) {
            throw new CudaUnavailableException(name + " has compute capability " + computeCapability / 10.0
                    + ", at least " + LEAST_COMPUTE_CAPABILITY / 10.0 + " is needed");
        }
        this.multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        this.mostSharedBytes = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
        var handle = new ContextHandle();
        check(JCudaDriver.cuDevicePrimaryCtxRetain(handle, device), "cuDevicePrimaryCtxRetain");
        this.context = handle.address();
        this.pool = calls.defaultPool(ordinal)
                .orElseThrow(() -> new CudaUnavailableException(name + " has no pool of memory"));
        check(pool.keepFreedMemory(), "cuMemPoolSetAttribute");
    }

    private static final class ContextHandle extends CUcontext {
        long address() {
            return getNativePointer();
        }
    }

    /**
     * @param ordinal number of the device among those that the process sees
     * @throws CudaUnavailableException if there is no driver or no such device, or it is too old
     */
    public static GpuDriver open(int ordinal) {
        // Must come first: without the library, JCuda's class cannot even be initialized.
        NativeCalls calls = NativeCalls.load();
        try {
            return new GpuDriver(calls, ordinal);
        } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
            throw new CudaUnavailableException("JCuda's native library cannot be loaded: " + e.getMessage(), e);
        }
    }

    private static void requireDriver() {
        int status = JCudaDriver.cuInit(0);
        if (status != CUresult.CUDA_SUCCESS) {
            throw new CudaUnavailableException("the NVIDIA driver does not start: " + CUresult.stringFor(status));
        }
        int[] version = new int[1];
        JCudaDriver.cuDriverGetVersion(version);
        if (version[0] < LEAST_DRIVER_VERSION) {
            throw new CudaUnavailableException("the NVIDIA driver is too old: it serves CUDA " + versionText(version[0])
                    + ", " + versionText(LEAST_DRIVER_VERSION) + " is needed");
        }
    }

    private static String versionText(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    private static void requireDevice(int ordinal) {
        int[] count = new int[1];
        JCudaDriver.cuDeviceGetCount(count);
        if (ordinal < 0 || ordinal >= count[0]) {
            throw new CudaUnavailableException(
                    count[0] == 0 ? "no NVIDIA GPU" : "no GPU " + ordinal + ": there are " + count[0]);
        }
    }

    private String readName() {
        byte[] bytes = new byte[256];
        check(JCudaDriver.cuDeviceGetName(bytes, bytes.length, device), "cuDeviceGetName");
        String padded = new String(bytes, StandardCharsets.UTF_8);
        return padded.substring(0, padded.indexOf('\0'));
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value[0];
    }

    public String name() {
        return name;
    }

    /** Such as 90 for 9.0. */
    public int computeCapability() {
        return computeCapability;
    }

    public int multiprocessors() {
        return multiprocessors;
    }

    /** Shared memory that a block may have, of every kind together. */
    public int mostSharedBytes() {
        return mostSharedBytes;
    }

    NativeCalls calls() {
        return calls;
    }

    NativeCalls.Pool pool() {
        return pool;
    }

    public DriverMemory memory() {
        return memory;
    }

    public DriverStreams streams() {
        return streams;
    }

    public DriverModules modules() {
        return modules;
    }

    /** Whether there is still something to wait for: neither a fault nor {@link #close()} has ended everything. */
    boolean isUsable() {
        return fault == null && !closed;
    }

    /** Every call comes after this. */
    void enter() {
        String earlier = fault;
        if (earlier != null) {
            throw new DeviceFaultException(earlier);
        }
        if (closed) {
            throw new IllegalStateException("the CUDA backend is closed");
        }
        check(calls.setCurrent(context), "cuCtxSetCurrent");
    }

    void check(int status, String call) {
        if (status == CUresult.CUDA_SUCCESS) {
            return;
        }
        String message = call + " failed: " + CUresult.stringFor(status);
        if (FAULTS.contains(status)) {
            fault = message;
            throw new DeviceFaultException(message);
        }
        if (status == OUT_OF_MEMORY) {
            throw new OutOfDeviceMemoryException(message);
        }
        throw new IllegalStateException(message);
    }

    interface Release {
        int run();
    }

    /** What belongs to a dead context is gone already. */
    void release(Release release) {
        if (isUsable() && calls.setCurrent(context) == CUresult.CUDA_SUCCESS) {
            check(release.run(), "releasing");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            // The pool outlives the context, and would keep what was freed from whoever comes next.
            release(JCudaDriver::cuCtxSynchronize);
            release(pool::trim);
            closed = true;
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
        }
    }
}
