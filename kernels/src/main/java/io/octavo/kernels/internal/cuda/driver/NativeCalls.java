package io.octavo.kernels.internal.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The driver calls that JCuda lacks or makes slowly, straight through the linker. They share JCuda's handles: it is the
 * same library in the same process.
 */
final class NativeCalls {

    static final String LIBRARY = "libcuda.so.1";

    /** Attributes of a pool of memory. */
    private static final int RELEASE_THRESHOLD = 4;

    private static final int RESERVED_BYTES = 5;
    private static final int USED_BYTES = 7;

    /** Values of the driver's enumerations of tensor maps. */
    private static final int UNSIGNED_BYTES = 0;

    private static final int NOT_INTERLEAVED = 0;
    private static final int SWIZZLE_128_BYTES = 3;
    private static final int PROMOTE_128_BYTES = 2;
    private static final int ZEROS_OUTSIDE = 0;

    /** {@code CUlaunchAttribute}: its kind, and a union of 64 bytes that begins with the value. */
    private static final long ATTRIBUTE_BYTES = 72;

    private static final long ATTRIBUTE_VALUE = 8;
    private static final int PROGRAMMATIC_STREAM_SERIALIZATION = 6;

    /** {@code CUlaunchConfig}: grid, block and shared bytes as 7 ints, then what has these places. */
    private static final MemoryLayout LAUNCH_CONFIG = MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(7, JAVA_INT),
            MemoryLayout.paddingLayout(4),
            JAVA_LONG.withName("stream"),
            ADDRESS.withName("attributes"),
            JAVA_INT.withName("attributeCount"),
            MemoryLayout.paddingLayout(4));

    private static final long CONFIG_STREAM = offset("stream");
    private static final long CONFIG_ATTRIBUTES = offset("attributes");
    private static final long CONFIG_ATTRIBUTE_COUNT = offset("attributeCount");

    private final MethodHandle setCurrent;
    private final MethodHandle launch;
    private final MethodHandle launchExtended;
    private final MethodHandle defaultPool;
    private final MethodHandle setPoolAttribute;
    private final MethodHandle getPoolAttribute;
    private final MethodHandle trimPool;
    private final MethodHandle encodeTensorMap;

    private NativeCalls(SymbolLookup library) {
        this.setCurrent = bind(library, "cuCtxSetCurrent", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
        this.launch = bind(
                library,
                "cuLaunchKernel",
                FunctionDescriptor.of(
                        JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                        JAVA_LONG, ADDRESS, ADDRESS));
        this.launchExtended = bind(
                library, "cuLaunchKernelEx", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));
        this.defaultPool =
                bind(library, "cuDeviceGetDefaultMemPool", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
        this.setPoolAttribute =
                bind(library, "cuMemPoolSetAttribute", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
        this.getPoolAttribute =
                bind(library, "cuMemPoolGetAttribute", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
        this.trimPool = bind(library, "cuMemPoolTrimTo", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
        this.encodeTensorMap = bind(
                library,
                "cuTensorMapEncodeTiled",
                FunctionDescriptor.of(
                        JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT,
                        JAVA_INT, JAVA_INT, JAVA_INT));
    }

    /** @throws CudaUnavailableException if the driver's library is not installed */
    static NativeCalls load() {
        SymbolLookup library;
        try {
            library = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new CudaUnavailableException("no NVIDIA driver: " + LIBRARY + " is not there", e);
        }
        return new NativeCalls(library);
    }

    private static long offset(String member) {
        return LAUNCH_CONFIG.byteOffset(MemoryLayout.PathElement.groupElement(member));
    }

    private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor signature) {
        MemorySegment address = library.find(name)
                .orElseThrow(() -> new CudaUnavailableException("the NVIDIA driver is too old: it has no " + name));
        return Linker.nativeLinker().downcallHandle(address, signature);
    }

    int setCurrent(long context) {
        try {
            return (int) setCurrent.invokeExact(context);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** @param parameters address of an array with one pointer, to the kernel's parameter struct */
    int launch(Kernel kernel, Grid grid, long stream, MemorySegment parameters) {
        try {
            return (int) launch.invokeExact(
                    kernel.function(),
                    grid.x(),
                    grid.y(),
                    grid.z(),
                    grid.threads(),
                    1,
                    1,
                    kernel.sharedBytes(),
                    stream,
                    parameters,
                    MemorySegment.NULL);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** What {@link #launchOverlapping} on one stream takes and fills in. */
    static MemorySegment overlappingLaunch(Arena arena, long stream) {
        MemorySegment attribute = arena.allocate(ATTRIBUTE_BYTES, Long.BYTES);
        attribute.set(JAVA_INT, 0, PROGRAMMATIC_STREAM_SERIALIZATION);
        attribute.set(JAVA_INT, ATTRIBUTE_VALUE, 1);
        MemorySegment config = arena.allocate(LAUNCH_CONFIG);
        config.set(JAVA_LONG, CONFIG_STREAM, stream);
        config.set(ADDRESS, CONFIG_ATTRIBUTES, attribute);
        config.set(JAVA_INT, CONFIG_ATTRIBUTE_COUNT, 1);
        return config;
    }

    /**
     * As {@link #launch}, but the kernel waits itself for those in front of it (programmatic dependent launch).
     *
     * @param config of {@link #overlappingLaunch}
     */
    int launchOverlapping(MemorySegment config, Kernel kernel, Grid grid, MemorySegment parameters) {
        int[] numbers = {grid.x(), grid.y(), grid.z(), grid.threads(), 1, 1, kernel.sharedBytes()};
        MemorySegment.copy(numbers, 0, config, JAVA_INT, 0, numbers.length);
        try {
            return (int) launchExtended.invokeExact(config, kernel.function(), parameters, MemorySegment.NULL);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /**
     * Describes a matrix of bytes to the bulk tensor copy engine, which brings boxes of it into shared memory, swizzled over
     * 128 bytes, with zeros for what lies outside.
     *
     * @param target 128 bytes, aligned to 64
     * @param address of the matrix, a multiple of 16, like {@code rowBytes}
     * @param boxBytes of a row of a box, at most 128
     * @param boxRows at most 256
     */
    int encodeTensorMap(MemorySegment target, long address, long rowBytes, long rows, int boxBytes, int boxRows) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) encodeTensorMap.invokeExact(
                    target,
                    UNSIGNED_BYTES,
                    2,
                    address,
                    arena.allocateFrom(JAVA_LONG, rowBytes, rows),
                    arena.allocateFrom(JAVA_LONG, rowBytes),
                    arena.allocateFrom(JAVA_INT, boxBytes, boxRows),
                    arena.allocateFrom(JAVA_INT, 1, 1),
                    NOT_INTERLEAVED,
                    SWIZZLE_128_BYTES,
                    PROMOTE_128_BYTES,
                    ZEROS_OUTSIDE);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** The pool that a device's memory comes from. */
    final class Pool {

        private final long handle;

        private Pool(long handle) {
            this.handle = handle;
        }

        /** Freed memory stays here, where the next allocation finds it. */
        int keepFreedMemory() {
            try (Arena arena = Arena.ofConfined()) {
                return (int)
                        setPoolAttribute.invokeExact(handle, RELEASE_THRESHOLD, arena.allocateFrom(JAVA_LONG, -1L));
            } catch (Throwable e) {
                throw impossible(e);
            }
        }

        /** Bytes that the device has given, and nobody uses; 0 if the driver does not say. */
        long unusedBytes() {
            return Math.max(0, attribute(RESERVED_BYTES) - attribute(USED_BYTES));
        }

        private long attribute(int number) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment value = arena.allocate(JAVA_LONG);
                int status = (int) getPoolAttribute.invokeExact(handle, number, value);
                return status == 0 ? value.get(JAVA_LONG, 0) : 0;
            } catch (Throwable e) {
                throw impossible(e);
            }
        }

        /** Gives what nobody uses back to the device. */
        int trim() {
            try {
                return (int) trimPool.invokeExact(handle, 0L);
            } catch (Throwable e) {
                throw impossible(e);
            }
        }
    }

    /** @return nothing if the driver refuses */
    Optional<Pool> defaultPool(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pool = arena.allocate(JAVA_LONG);
            int status = (int) defaultPool.invokeExact(pool, device);
            return status == 0 ? Optional.of(new Pool(pool.get(JAVA_LONG, 0))) : Optional.empty();
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Downcalls throw nothing of their own. */
    private static IllegalStateException impossible(Throwable e) {
        return new IllegalStateException(e);
    }
}
