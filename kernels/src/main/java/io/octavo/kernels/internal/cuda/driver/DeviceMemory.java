package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The device's memory under a budget, with an account for each owner. Allocating and freeing happen in stream order. */
public final class DeviceMemory {

    private final GpuDriver driver;
    private final long budgetBytes;
    private final Map<String, Long> bytesByOwner = new TreeMap<>();
    private final Map<LongBuffer, Long> kept = new HashMap<>();
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

    /**
     * Numbers that kernels on any stream read from now on, in memory that stays until {@link #close}; the same numbers are
     * kept once. What a stream records may need them for the first time, so they come by a stream of their own.
     */
    public synchronized long keep(String owner, long[] numbers) {
        return kept.computeIfAbsent(LongBuffer.wrap(numbers), key -> {
            Handles.Stream stream = driver.streams().newStream();
            try (Arena arena = Arena.ofConfined()) {
                long bytes = (long) numbers.length * Long.BYTES;
                long address = driver.memory().allocate(bytes, stream);
                if (address == 0) {
                    throw new OutOfDeviceMemoryException("no device memory for the " + owner);
                }
                var host = arena.allocateFrom(ValueLayout.JAVA_LONG, numbers);
                driver.memory().copyToDevice(address, host.address(), bytes, stream);
                driver.streams().synchronize(stream);
                return address;
            } finally {
                driver.streams().destroy(stream);
            }
        });
    }

    /** Frees what is {@linkplain #keep kept}. */
    public synchronized void close(Handles.Stream stream) {
        kept.values().forEach(address -> driver.memory().free(address, stream));
        kept.clear();
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
