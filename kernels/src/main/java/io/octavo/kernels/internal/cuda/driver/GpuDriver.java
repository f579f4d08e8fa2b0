package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * One device's primary context, and the only class that calls the driver. Every status is checked here.
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

    /** Compute capability from which on kernels wait for each other themselves. */
    private static final int OVERLAPPING_LAUNCHES = 90;

    private static final int OUT_OF_MEMORY = CUresult.CUDA_ERROR_OUT_OF_MEMORY;

    /** What the driver says when a capture was invalidated, or cannot be ended. */
    private static final int FIRST_CAPTURE_ERROR = CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;

    private static final int LAST_CAPTURE_ERROR = CUresult.CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;

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
        check(calls.keepFreedMemory(ordinal), "cuMemPoolSetAttribute");
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

    /** Free bytes of the device, whoever uses the rest. */
    public long freeBytes() {
        enter();
        long[] free = new long[1];
        long[] total = new long[1];
        check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
        return free[0];
    }

    CUmodule loadModule(byte[] image) {
        enter();
        var module = new CUmodule();
        check(JCudaDriver.cuModuleLoadData(module, image), "cuModuleLoadData");
        return module;
    }

    void unloadModule(CUmodule module) {
        release(() -> JCudaDriver.cuModuleUnload(module));
    }

    Handles.Function function(CUmodule module, String name) {
        enter();
        var function = new Handles.Function();
        check(JCudaDriver.cuModuleGetFunction(function, module, name), "cuModuleGetFunction " + name);
        return function;
    }

    /** Allows a kernel that many bytes of dynamic shared memory; above 48 KiB it has to be asked for. */
    void allowSharedBytes(Handles.Function function, int bytes) {
        enter();
        check(
                JCudaDriver.cuFuncSetAttribute(
                        function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
                "cuFuncSetAttribute");
    }

    /** What a module's global variable holds, if it has one of that name. */
    Optional<ByteBuffer> readGlobal(CUmodule module, String name) {
        enter();
        var address = new Handles.DevicePointer();
        long[] bytes = new long[1];
        int status = JCudaDriver.cuModuleGetGlobal(address, bytes, module, name);
        if (status == CUresult.CUDA_ERROR_NOT_FOUND) {
            return Optional.empty();
        }
        check(status, "cuModuleGetGlobal " + name);
        byte[] values = new byte[Math.toIntExact(bytes[0])];
        check(JCudaDriver.cuMemcpyDtoH(jcuda.Pointer.to(values), address, bytes[0]), "cuMemcpyDtoH");
        return Optional.of(ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN));
    }

    public Handles.Stream newStream() {
        enter();
        var stream = new Handles.Stream();
        check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "cuStreamCreate");
        return stream;
    }

    public void synchronize(Handles.Stream stream) {
        enter();
        check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
    }

    public void destroy(Handles.Stream stream) {
        release(() -> JCudaDriver.cuStreamDestroy(stream));
    }

    /** @param flags of {@code CUevent_flags} */
    CUevent newEvent(int flags) {
        enter();
        var event = new CUevent();
        check(JCudaDriver.cuEventCreate(event, flags), "cuEventCreate");
        return event;
    }

    void record(CUevent event, Handles.Stream stream) {
        enter();
        check(JCudaDriver.cuEventRecord(event, stream), "cuEventRecord");
    }

    public void synchronize(CUevent event) {
        enter();
        check(JCudaDriver.cuEventSynchronize(event), "cuEventSynchronize");
    }

    /** Milliseconds between two events that the device has passed. */
    float milliseconds(CUevent from, CUevent to) {
        enter();
        float[] milliseconds = new float[1];
        check(JCudaDriver.cuEventElapsedTime(milliseconds, from, to), "cuEventElapsedTime");
        return milliseconds[0];
    }

    public void destroy(CUevent event) {
        release(() -> JCudaDriver.cuEventDestroy(event));
    }

    /** @return the address, or 0 if the device has too little memory */
    long allocate(long bytes, Handles.Stream stream) {
        enter();
        var pointer = new Handles.DevicePointer();
        int status = JCudaDriver.cuMemAllocAsync(pointer, bytes, stream);
        if (status == OUT_OF_MEMORY) {
            return 0;
        }
        check(status, "cuMemAllocAsync");
        return pointer.address();
    }

    void free(long address, Handles.Stream stream) {
        release(() -> JCudaDriver.cuMemFreeAsync(new Handles.DevicePointer(address), stream));
    }

    /** @throws OutOfDeviceMemoryException if the host cannot pin that much */
    long allocatePinned(long bytes) {
        enter();
        var pointer = new Handles.HostPointer();
        int status = JCudaDriver.cuMemHostAlloc(pointer, bytes, JCudaDriver.CU_MEMHOSTALLOC_PORTABLE);
        if (status == OUT_OF_MEMORY) {
            throw new OutOfDeviceMemoryException("the host cannot pin " + bytes + " bytes of memory");
        }
        check(status, "cuMemHostAlloc");
        return pointer.address();
    }

    void freePinned(long address) {
        release(() -> JCudaDriver.cuMemFreeHost(new Handles.HostPointer(address)));
    }

    public void fill(long address, byte value, long bytes, Handles.Stream stream) {
        enter();
        check(JCudaDriver.cuMemsetD8Async(new Handles.DevicePointer(address), value, bytes, stream), "cuMemsetD8Async");
    }

    /** @param host pinned memory, left alone until the stream has passed this */
    void copyToDevice(long device, long host, long bytes, Handles.Stream stream) {
        enter();
        check(
                JCudaDriver.cuMemcpyHtoDAsync(
                        new Handles.DevicePointer(device), new Handles.HostPointer(host), bytes, stream),
                "cuMemcpyHtoDAsync");
    }

    /** @param host pinned memory, left alone until the stream has passed this */
    void copyToHost(long host, long device, long bytes, Handles.Stream stream) {
        enter();
        check(
                JCudaDriver.cuMemcpyDtoHAsync(
                        new Handles.HostPointer(host), new Handles.DevicePointer(device), bytes, stream),
                "cuMemcpyDtoHAsync");
    }

    void launch(Kernel kernel, Grid grid, Handles.Stream stream, MemorySegment parameters) {
        enter();
        check(calls.launch(kernel, grid, stream.address(), parameters), "cuLaunchKernel");
    }

    /** Whether kernels can begin while the one in front of them runs. */
    boolean overlapsLaunches() {
        return computeCapability >= OVERLAPPING_LAUNCHES;
    }

    /** @param config of {@link NativeCalls#overlappingLaunch}, where {@link #overlapsLaunches} */
    void launchOverlapping(MemorySegment config, Kernel kernel, Grid grid, MemorySegment parameters) {
        enter();
        check(calls.launchOverlapping(config, kernel, grid, parameters), "cuLaunchKernelEx");
    }

    /** From now on what this thread submits to {@code stream} is collected. */
    void beginCapture(Handles.Stream stream) {
        enter();
        check(
                JCudaDriver.cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "cuStreamBeginCapture");
    }

    /** @return what was collected; empty if something could not be */
    Optional<CUgraph> endCapture(Handles.Stream stream) {
        enter();
        var graph = new CUgraph();
        int status = JCudaDriver.cuStreamEndCapture(stream, graph);
        if (FIRST_CAPTURE_ERROR <= status && status <= LAST_CAPTURE_ERROR) {
            return Optional.empty();
        }
        check(status, "cuStreamEndCapture");
        return Optional.of(graph);
    }

    int nodes(CUgraph graph) {
        enter();
        long[] count = new long[1];
        check(JCudaDriver.cuGraphGetNodes(graph, null, count), "cuGraphGetNodes");
        return Math.toIntExact(count[0]);
    }

    CUgraphExec instantiate(CUgraph graph) {
        enter();
        var executable = new CUgraphExec();
        check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
        return executable;
    }

    void launch(CUgraphExec graph, Handles.Stream stream) {
        enter();
        check(JCudaDriver.cuGraphLaunch(graph, stream), "cuGraphLaunch");
    }

    public void destroy(CUgraph graph) {
        release(() -> JCudaDriver.cuGraphDestroy(graph));
    }

    public void destroy(CUgraphExec graph) {
        release(() -> JCudaDriver.cuGraphExecDestroy(graph));
    }

    /** As {@link NativeCalls#encodeTensorMap}. */
    void encodeTensorMap(MemorySegment target, long address, long rowBytes, long rows, int boxBytes, int boxRows) {
        check(calls.encodeTensorMap(target, address, rowBytes, rows, boxBytes, boxRows), "cuTensorMapEncodeTiled");
    }

    /** Whether there is still something to wait for: neither a fault nor {@link #close()} has ended everything. */
    boolean isUsable() {
        return fault == null && !closed;
    }

    private void enter() {
        String earlier = fault;
        if (earlier != null) {
            throw new DeviceFaultException(earlier);
        }
        if (closed) {
            throw new IllegalStateException("the CUDA backend is closed");
        }
        check(calls.setCurrent(context), "cuCtxSetCurrent");
    }

    private void check(int status, String call) {
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

    private interface Release {
        int run();
    }

    /** What belongs to a dead context is gone already. */
    private void release(Release release) {
        if (isUsable() && calls.setCurrent(context) == CUresult.CUDA_SUCCESS) {
            check(release.run(), "releasing");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
        }
    }
}
