package io.octavo.kernels;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.internal.cuda.CudaBackend;
import io.octavo.kernels.internal.cuda.driver.CudaUnavailableException;
import io.octavo.kernels.internal.host.HostBackend;
import io.octavo.kernels.internal.scalar.ScalarOperations;
import io.octavo.kernels.internal.vector.VectorOperations;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** Opens backends. Whoever opens one closes it. */
public final class Backends {

    private Backends() {}

    private static final System.Logger LOG = System.getLogger(Backends.class.getName());

    private static final String CUDA = "cuda";

    /**
     * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N} for the GPU number {@code N}, counted from
     *     0; {@code auto} takes the first GPU or, where none can be had, the processor
     * @param threads processor threads that the backend may use, at least 1
     * @throws IllegalStateException if {@code cuda} was asked for and cannot be had; the message says why
     * @throws IllegalArgumentException if there is no such device
     */
    public static Backend open(String device, int threads) {
        String wanted = device.toLowerCase(Locale.ROOT);
        return switch (wanted) {
            case "auto" -> auto(threads);
            case "cpu" -> cpu(threads);
            case CUDA -> CudaBackend.open(0, threads);
            default -> {
                if (!wanted.matches(CUDA + ":\\d{1,3}")) {
                    throw new IllegalArgumentException(
                            "unknown device " + device + "; allowed: auto, cpu, cuda, cuda:N");
                }
                yield CudaBackend.open(Integer.parseInt(wanted.substring(CUDA.length() + 1)), threads);
            }
        };
    }

    private static Backend auto(int threads) {
        try {
            return CudaBackend.open(0, threads);
        } catch (CudaUnavailableException e) {
            LOG.log(System.Logger.Level.INFO, "device auto: the processor, since {0}", e.getMessage());
            return cpu(threads);
        }
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
