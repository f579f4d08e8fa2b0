package io.octavo.engine.calibrate;

import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of the channels of inputs, kept on the device: rounded to BF16 first, as models run in that. Those of experts
 * lie below each other.
 */
final class MomentsObserver implements ActivationObserver, AutoCloseable {

    private final Backend backend;
    private final Set<String> modules;
    private final Map<String, Slot> byModule = new HashMap<>();
    private @Nullable DeviceBuffer rounded;

    /** One of the inputs of some moments. */
    private record Slot(Moments moments, int input) {

        boolean isBefore(@Nullable Slot next) {
            return next != null && next.moments == moments && next.input == input + 1;
        }
    }

    /** @param modules whose inputs are looked at: one of those that read the same */
    MomentsObserver(Backend backend, Set<String> modules) {
        this.backend = backend;
        this.modules = Set.copyOf(modules);
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        if (!modules.contains(module)) {
            return;
        }
        Slot slot = byModule.computeIfAbsent(
                module, name -> new Slot(new Moments(backend, activations.columns(), 1, false), 0));
        slot.moments.accumulate(slot.input, rounded(activations, stream), stream);
    }

    @Override
    public void experts(List<String> experts, Matrix activations, Matrix starts, Stream stream) {
        if (!modules.containsAll(experts)) {
            ActivationObserver.super.experts(experts, activations, starts, stream);
            return;
        }
        if (experts.stream().noneMatch(byModule::containsKey)) {
            var all = new Moments(backend, activations.columns(), experts.size(), false);
            for (int i = 0; i < experts.size(); i++) {
                byModule.put(experts.get(i), new Slot(all, i));
            }
        }
        Moments moments = Objects.requireNonNull(byModule.get(experts.getFirst())).moments;
        moments.accumulateGroups(rounded(activations, stream), starts, stream);
    }

    private Matrix rounded(Matrix activations, Stream stream) {
        long bytes = roundedBytes(activations.rows(), activations.columns());
        DeviceBuffer buffer = rounded;
        if (buffer == null || buffer.bytes() < bytes) {
            if (buffer != null) {
                stream.synchronize();
                buffer.close();
            }
            buffer = backend.allocate("moments", bytes);
            rounded = buffer;
        }
        Matrix x = Matrix.of(buffer, DType.BF16, activations.rows(), activations.columns());
        backend.operations().convert().convert(activations, x, stream);
        return x;
    }

    /** Of inputs rounded, beside the sums: of the largest one that comes. */
    static long roundedBytes(long tokens, long columns) {
        return Matrix.bytes(DType.BF16, tokens, columns);
    }

    /** What was seen of some inputs, in that order; zeros of those that no token came to. The caller closes it. */
    Moments.Taken take(List<String> wanted, int columns, Stream stream) {
        List<@Nullable Slot> slots = wanted.stream().map(byModule::remove).toList();
        Slot first = slots.getFirst();
        if (first != null && areInARow(slots)) {
            return first.moments.take(first.input, slots.size());
        }
        var gathered = new Moments(backend, columns, slots.size(), false);
        for (int i = 0; i < slots.size(); i++) {
            Slot slot = slots.get(i);
            if (slot != null) {
                try (Moments.Taken taken = slot.moments.take(slot.input, 1)) {
                    gathered.copy(i, taken.seen(stream), stream);
                    stream.synchronize();
                }
            }
        }
        return gathered.take(0, slots.size());
    }

    private static boolean areInARow(List<@Nullable Slot> slots) {
        for (int i = 1; i < slots.size(); i++) {
            Slot before = slots.get(i - 1);
            if (before == null || !before.isBefore(slots.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        byModule.values().forEach(slot -> slot.moments.release(1));
        byModule.clear();
        if (rounded != null) {
            rounded.close();
        }
    }
}
