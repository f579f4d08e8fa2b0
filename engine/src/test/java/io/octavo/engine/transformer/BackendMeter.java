package io.octavo.engine.transformer;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * A backend that counts the bytes which it was asked for, those that it only borrows too, and which are not closed yet. Safe for
 * use by several threads.
 */
public final class BackendMeter {

    /** @param bytes which a closed buffer does not tell */
    private record Owned(String owner, DeviceBuffer buffer, long bytes) {}

    private final Backend backend;
    private final List<Owned> open = new ArrayList<>();
    private final List<List<Owned>> moments = new ArrayList<>();

    public BackendMeter(Backend metered) {
        this.backend = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> call(metered, method, arguments));
    }

    private Object call(Backend metered, Method method, Object[] arguments) throws Throwable {
        if (method.getName().equals("spilling")) {
            // Counted all the same, wherever it lies.
            return backend;
        }
        try {
            Object result = method.invoke(metered, arguments);
            if (result instanceof DeviceBuffer buffer) {
                count((String) arguments[0], buffer);
            }
            return result;
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private synchronized void count(String owner, DeviceBuffer buffer) {
        open.removeIf(owned -> closed(owned.buffer));
        open.add(new Owned(owner, buffer, buffer.bytes()));
        moments.add(List.copyOf(open));
    }

    private static boolean closed(DeviceBuffer buffer) {
        try {
            // A host's buffers tell by the one, a GPU's by the other.
            buffer.hostView();
            return buffer.bytes() < 0;
        } catch (IllegalStateException e) {
            return true;
        }
    }

    public Backend backend() {
        return backend;
    }

    long bytes() {
        return bytes("");
    }

    /** Of the owners whose names begin so. */
    synchronized long bytes(String owner) {
        open.removeIf(owned -> closed(owned.buffer));
        return sum(open, owner);
    }

    public long peakBytes() {
        return peakBytes("");
    }

    synchronized long peakBytes(String owner) {
        return moments.stream().mapToLong(moment -> sum(moment, owner)).max().orElse(0);
    }

    /** Of buffers with fewer bytes than that. */
    public synchronized long peakBytesOfSmall(long bytes) {
        return moments.stream()
                .mapToLong(moment ->
                        sum(moment.stream().filter(owned -> owned.bytes < bytes).toList(), ""))
                .max()
                .orElse(0);
    }

    private static long sum(List<Owned> buffers, String owner) {
        return buffers.stream()
                .filter(owned -> owned.owner.startsWith(owner))
                .mapToLong(Owned::bytes)
                .sum();
    }
}
