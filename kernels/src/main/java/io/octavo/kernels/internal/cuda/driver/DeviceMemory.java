package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The device's memory under a budget, with an account for each owner. Allocating and freeing happen in stream order. */
public final class DeviceMemory {

    private final GpuDriver driver;
    private final long budgetBytes;
    private final Map<String, Long> bytesByOwner = new TreeMap<>();
    private long usedBytes;

    /** @param budgetBytes most bytes that may be allocated at a time, over all owners */
    public DeviceMemory(GpuDriver driver, long budgetBytes) {
        this.driver = driver;
        this.budgetBytes = budgetBytes;
    }

    /** @throws OutOfDeviceMemoryException if the budget or the device does not allow it */
    public long allocate(String owner, long bytes, Handles.Stream stream) {
        reserve(owner, bytes);
        try {
            long address = driver.memory().allocate(Math.max(bytes, 1), stream);
            if (address == 0) {
                throw refusal(owner, bytes, "the device has " + driver.memory().freeBytes() + " bytes free");
            }
            return address;
        } catch (RuntimeException e) {
            giveBack(owner, bytes);
            throw e;
        }
    }

    /** Uninitialized memory for work on one stream, which frees it in its order: close it once that work is submitted. */
    public CudaBuffer scratch(String owner, long bytes, CudaStream stream) {
        return buffer(owner, allocate(owner, bytes, stream.handle()), bytes, stream::handle, null);
    }

    /** Takes ownership of what {@link #allocate} gave. */
    public CudaBuffer buffer(
            String owner, long address, long bytes, CudaBuffer.Home home, @Nullable MemorySegment host) {
        return new CudaBuffer(driver, this, owner, address, bytes, home, host);
    }

    void free(String owner, long address, long bytes, Handles.Stream stream) {
        driver.memory().free(address, stream);
        giveBack(owner, bytes);
    }

    private synchronized void reserve(String owner, long bytes) {
        if (bytes > budgetBytes - usedBytes) {
            throw refusal(owner, bytes, "the budget is " + budgetBytes + " bytes, taken are " + usedBytes + accounts());
        }
        usedBytes += bytes;
        bytesByOwner.merge(owner, bytes, Long::sum);
    }

    private synchronized void giveBack(String owner, long bytes) {
        usedBytes -= bytes;
        bytesByOwner.computeIfPresent(owner, (key, used) -> used == bytes ? null : used - bytes);
    }

    private String accounts() {
        return bytesByOwner.isEmpty()
                ? ""
                : bytesByOwner.entrySet().stream()
                        .map(account -> account.getKey() + " " + account.getValue())
                        .collect(Collectors.joining(", ", " (", ")"));
    }

    private static OutOfDeviceMemoryException refusal(String owner, long bytes, String reason) {
        return new OutOfDeviceMemoryException(
                owner + ": cannot allocate " + bytes + " bytes of device memory: " + reason);
    }
}
