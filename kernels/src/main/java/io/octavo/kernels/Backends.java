package io.octavo.kernels;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.octavo.kernels.internal.host.HostBackend;
import io.octavo.kernels.internal.scalar.ScalarOperations;
import io.octavo.kernels.internal.vector.VectorOperations;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** Opens backends. Whoever opens one closes it. */
public final class Backends {

    private Backends() {}

    /**
     * @param device {@code auto}, {@code cpu} or {@code cuda}; {@code auto} takes the best that is there
     * @param threads processor threads that the backend may use, at least 1
     * @throws IllegalStateException if {@code cuda} was asked for and cannot be had; the message says why
     * @throws IllegalArgumentException if there is no such device
     */
    public static Backend open(String device, int threads) {
        return switch (device.toLowerCase(Locale.ROOT)) {
            case "auto", "cpu" -> cpu(threads);
            case "cuda" ->
                throw new IllegalStateException("device cuda was requested, but this build has no CUDA backend;"
                        + " use device cpu, or auto to take what is there");
            default -> throw new IllegalArgumentException("unknown device " + device + "; allowed: auto, cpu, cuda");
        };
    }

    /**
     * The processor, through the Vector API; scalar where the module {@code jdk.incubator.vector} was not added to the
     * JVM or the processor lacks fused multiply-add, which {@link Backend#description()} then says.
     *
     * @param threads threads that work on one operation, the caller's included; at least 1
     */
    public static Backend cpu(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1: " + threads);
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return scalarFallback("start the JVM with --add-modules jdk.incubator.vector");
        }
        if (!hasFusedMultiplyAdd()) {
            return scalarFallback("the processor has no fused multiply-add");
        }
        return VectorOperations.backend(threads);
    }

    /** The slow, obvious reference: one thread, one element at a time, every access bounds-checked. */
    public static Backend scalar() {
        return new HostBackend("cpu: scalar reference, 1 thread", ScalarOperations.create(), () -> {});
    }

    private static Backend scalarFallback(String reason) {
        return new HostBackend("cpu: scalar, 1 thread, slow: " + reason, ScalarOperations.create(), () -> {});
    }

    /** Without the instruction, the JVM computes it in arbitrary precision: slower than any scalar code. */
    private static boolean hasFusedMultiplyAdd() {
        var diagnostics = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        return Boolean.parseBoolean(diagnostics.getVMOption("UseFMA").getValue());
    }
}
