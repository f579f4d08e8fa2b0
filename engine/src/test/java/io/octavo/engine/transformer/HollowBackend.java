package io.octavo.engine.transformer;

import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A backend whose buffers have sizes and no bytes, and whose operations do nothing: what a job asks memory for without its work.
 * Numbers that are read back are all alike and above zero, but for small parts that were written before, and single numbers.
 */
public final class HollowBackend {

    /** Four of these are 0.7 as a float. */
    private static final byte FILLED = 0x3f;

    private static final long REMEMBERED_BYTES = 1 << 20;

    private HollowBackend() {}

    public static Backend open() {
        return open(0, 0);
    }

    /** As a GPU is, with plenty of memory. */
    public static Backend openGpu() {
        return open(90, 1L << 40);
    }

    private static Backend open(int capability, long freeBytes) {
        Backend host = Backends.cpu(1);
        Operations nothing = nothing();
        return proxy(Backend.class, (method, arguments) -> switch (method) {
            case "allocate" -> new Buffer((long) arguments[1]);
            case "place" -> new Buffer(((MemorySegment) arguments[1]).byteSize());
            case "allocateHost" -> host.allocateHost((long) arguments[0]);
            case "newStream" -> proxy(Stream.class, (ignored, none) -> null);
            case "operations" -> nothing;
            case "productInput" -> capability > 0 ? DType.BF16 : host.productInput();
            case "readsFewerBitsFaster" -> host.readsFewerBitsFaster();
            case "computeCapability" -> capability;
            case "name", "description" -> "hollow";
            case "freeMemoryBytes" -> freeBytes;
            case "close" -> {
                host.close();
                yield null;
            }
            default -> throw new UnsupportedOperationException(method);
        });
    }

    private static Operations nothing() {
        RecordComponent[] components = Operations.class.getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Object[] operations = Arrays.stream(types)
                .map(type -> proxy(type, (method, arguments) -> null))
                .toArray();
        try {
            return Operations.class.getDeclaredConstructor(types).newInstance(operations);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("Operations has no canonical constructor", e);
        }
    }

    @FunctionalInterface
    private interface Call {
        @Nullable Object answer(String method, Object[] arguments);
    }

    private static <T> T proxy(Class<T> type, Call call) {
        return type.cast(java.lang.reflect.Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, arguments) -> call.answer(method.getName(), arguments)));
    }

    private static final class Buffer implements DeviceBuffer {

        private final long bytes;
        private final Map<Long, byte[]> written = new HashMap<>();
        private boolean closed;

        Buffer(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public long bytes() {
            if (closed) {
                throw new IllegalStateException("closed");
            }
            return bytes;
        }

        @Override
        public void copyFrom(MemorySegment source, long offset, Stream stream) {
            if (source.byteSize() <= REMEMBERED_BYTES) {
                written.put(offset, source.toArray(ValueLayout.JAVA_BYTE));
            }
        }

        @Override
        public void copyTo(MemorySegment target, long offset, Stream stream) {
            byte[] known = written.get(offset);
            if (known != null && known.length == target.byteSize()) {
                target.copyFrom(MemorySegment.ofArray(known));
            } else if (target.byteSize() > Float.BYTES) {
                target.fill(FILLED);
            }
        }

        @Override
        public void fill(byte value, Stream stream) {}

        @Override
        public void close() {
            closed = true;
        }
    }
}
