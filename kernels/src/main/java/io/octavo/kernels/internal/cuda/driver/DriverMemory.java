package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.OutOfDeviceMemoryException;
import jcuda.driver.JCudaDriver;

/** The driver's calls for memory of the device, memory of the host that the device reads, and copies. */
public final class DriverMemory {

    private final GpuDriver driver;

    DriverMemory(GpuDriver driver) {
        this.driver = driver;
    }

    /** Free bytes of the device, whoever uses the rest; those that were freed and kept among them. */
    public long freeBytes() {
        driver.enter();
        long[] free = new long[1];
        long[] total = new long[1];
        driver.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
        return free[0] + driver.pool().unusedBytes();
    }

    /** @return the address, or 0 if the device has too little memory */
    long allocate(long bytes, Handles.Stream stream) {
        driver.enter();
        var pointer = new Handles.DevicePointer();
        int status = JCudaDriver.cuMemAllocAsync(pointer, bytes, stream);
        if (status == GpuDriver.OUT_OF_MEMORY) {
            return 0;
        }
        driver.check(status, "cuMemAllocAsync");
        return pointer.address();
    }

    void free(long address, Handles.Stream stream) {
        driver.release(() -> JCudaDriver.cuMemFreeAsync(new Handles.DevicePointer(address), stream));
    }

    /** @throws OutOfDeviceMemoryException if the host cannot pin that much */
    long allocatePinned(long bytes) {
        driver.enter();
        var pointer = new Handles.HostPointer();
        int status = JCudaDriver.cuMemHostAlloc(pointer, bytes, JCudaDriver.CU_MEMHOSTALLOC_PORTABLE);
        if (status == GpuDriver.OUT_OF_MEMORY) {
            throw new OutOfDeviceMemoryException("the host cannot pin " + bytes + " bytes of memory");
        }
        driver.check(status, "cuMemHostAlloc");
        return pointer.address();
    }

    void freePinned(long address) {
        driver.release(() -> JCudaDriver.cuMemFreeHost(new Handles.HostPointer(address)));
    }

    public void fill(long address, byte value, long bytes, Handles.Stream stream) {
        driver.enter();
        driver.check(
                JCudaDriver.cuMemsetD8Async(new Handles.DevicePointer(address), value, bytes, stream),
                "cuMemsetD8Async");
    }

    /** @param host pinned memory, left alone until the stream has passed this */
    void copyToDevice(long device, long host, long bytes, Handles.Stream stream) {
        driver.enter();
        driver.check(
                JCudaDriver.cuMemcpyHtoDAsync(
                        new Handles.DevicePointer(device), new Handles.HostPointer(host), bytes, stream),
                "cuMemcpyHtoDAsync");
    }

    /** @param host pinned memory, left alone until the stream has passed this */
    void copyToHost(long host, long device, long bytes, Handles.Stream stream) {
        driver.enter();
        driver.check(
                JCudaDriver.cuMemcpyDtoHAsync(
                        new Handles.HostPointer(host), new Handles.DevicePointer(device), bytes, stream),
                "cuMemcpyDtoHAsync");
    }
}
