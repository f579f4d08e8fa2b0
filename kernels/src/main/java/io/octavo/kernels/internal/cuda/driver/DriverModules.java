package io.octavo.kernels.internal.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** The driver's calls for modules of machine code and launches of their kernels. */
public final class DriverModules {

    /** Compute capability from which on kernels wait for each other themselves. */
    private static final int OVERLAPPING_LAUNCHES = 90;

    private final GpuDriver driver;

    DriverModules(GpuDriver driver) {
        this.driver = driver;
    }

    Handles.Module loadModule(byte[] image) {
        driver.enter();
        var module = new Handles.Module();
        driver.check(JCudaDriver.cuModuleLoadData(module, image), "cuModuleLoadData");
        return module;
    }

    void unloadModule(Handles.Module module) {
        driver.release(() -> JCudaDriver.cuModuleUnload(module));
    }

    Handles.Function function(Handles.Module module, String name) {
        driver.enter();
        var function = new Handles.Function();
        driver.check(JCudaDriver.cuModuleGetFunction(function, module, name), "cuModuleGetFunction " + name);
        return function;
    }

    /** Allows a kernel that many bytes of dynamic shared memory; above 48 KiB it has to be asked for. */
    void allowSharedBytes(Handles.Function function, int bytes) {
        driver.enter();
        driver.check(
                JCudaDriver.cuFuncSetAttribute(
                        function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
                "cuFuncSetAttribute");
    }

    /** What a module's global variable holds, if it has one of that name. */
    Optional<ByteBuffer> readGlobal(Handles.Module module, String name) {
        driver.enter();
        var address = new Handles.DevicePointer();
        long[] bytes = new long[1];
        int status = JCudaDriver.cuModuleGetGlobal(address, bytes, module, name);
        if (status == CUresult.CUDA_ERROR_NOT_FOUND) {
            return Optional.empty();
        }
        driver.check(status, "cuModuleGetGlobal " + name);
        byte[] values = new byte[Math.toIntExact(bytes[0])];
        driver.check(JCudaDriver.cuMemcpyDtoH(jcuda.Pointer.to(values), address, bytes[0]), "cuMemcpyDtoH");
        return Optional.of(ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN));
    }

    void launch(Kernel kernel, Grid grid, Handles.Stream stream, MemorySegment parameters) {
        driver.enter();
        driver.check(driver.calls().launch(kernel, grid, stream.address(), parameters), "cuLaunchKernel");
    }

    /** Whether kernels can begin while the one in front of them runs. */
    boolean overlapsLaunches() {
        return driver.computeCapability() >= OVERLAPPING_LAUNCHES;
    }

    /** @param config of {@link NativeCalls#overlappingLaunch}, where {@link #overlapsLaunches} */
    void launchOverlapping(MemorySegment config, Kernel kernel, Grid grid, MemorySegment parameters) {
        driver.enter();
        driver.check(driver.calls().launchOverlapping(config, kernel, grid, parameters), "cuLaunchKernelEx");
    }

    /** As {@link NativeCalls#encodeTensorMap}. */
    void encodeTensorMap(MemorySegment target, long address, long rowBytes, long rows, int boxBytes, int boxRows) {
        driver.check(
                driver.calls().encodeTensorMap(target, address, rowBytes, rows, boxBytes, boxRows),
                "cuTensorMapEncodeTiled");
    }
}
