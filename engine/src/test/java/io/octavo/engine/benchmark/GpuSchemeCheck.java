package io.octavo.engine.benchmark;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.checkpoint.TensorComparison;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.BFloat16;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * Every preset, and scales of the KV cache, written by a GPU beside the processor's: what follows from weights alone is equal
 * bit for bit, what calibration measured is close.
 *
 * <p>Arguments: model folder, folder of datasets, scratch folder. Prints one JSON line a check, for {@code
 * kernels/gpu-check.sh}.
 */
final class GpuSchemeCheck {

    /** Of a layer, each with two operands that the GPU rounds to BF16, off by 2^-9 at most. */
    private static final int PRODUCTS = 7;

    private static final double ROUNDING = 0x1p-9;

    /** What a stored scale in BF16 adds on either side. */
    private static final double STORED_ROUNDING = 0x1p-8;

    private static final double LEVELS = 255;

    private final Engine gpu;
    private final Engine cpu;
    private final Path model;
    private final Path data;
    private final Path scratch;

    private GpuSchemeCheck(Engine gpu, Engine cpu, String[] arguments) {
        this.gpu = gpu;
        this.cpu = cpu;
        this.model = Path.of(arguments[0]);
        this.data = Path.of(arguments[1]);
        this.scratch = Path.of(arguments[2]).resolve(model.getFileName() + "-schemes");
    }

    public static void main(String[] arguments) {
        int threads = Runtime.getRuntime().availableProcessors();
        try (Engine gpu = Engines.open(new EngineOptions("cuda", threads));
                Engine cpu = Engines.open(new EngineOptions("cpu", threads))) {
            new GpuSchemeCheck(gpu, cpu, arguments).run();
        }
    }

    private void run() {
        for (Scheme scheme : Scheme.PRESETS) {
            check(scheme.name(), scheme.name(), request -> request);
        }
        for (KvCacheQuantization cache : KvCacheQuantization.values()) {
            check(cache.name(), "FP8_DYNAMIC", request -> request.with(recipe -> recipe.withKvCache(cache)));
        }
    }

    private void check(String name, String scheme, UnaryOperator<QuantizationRequest> change) {
        Path onCpu = scratch.resolve("cpu").resolve(name);
        Path onGpu = scratch.resolve("gpu").resolve(name);
        try {
            cpu.quantize(change.apply(request(scheme, onCpu)), JobMonitor.none());
        } catch (QuantizationException refused) {
            System.err.println(name + ": " + refused.getMessage());
            return;
        }
        try {
            gpu.quantize(change.apply(request(scheme, onGpu)), JobMonitor.none());
            compare(name, onGpu, onCpu);
        } catch (QuantizationException refused) {
            System.err.println(name + ": " + refused.getMessage());
            report(name + ", written by the gpu", 0, false);
        }
    }

    private QuantizationRequest request(String scheme, Path target) {
        var calibration = new CalibrationData(data.resolve("books-heldout.txt"), 1, 512, 0);
        return new QuantizationRequest(model, target, new Recipe(scheme, CompressedTensors.NAME, List.of()))
                .withCalibration(calibration);
    }

    private static void compare(String name, Path left, Path right) {
        try (Checkpoint gpu = Checkpoint.open(left);
                Checkpoint cpu = Checkpoint.open(right)) {
            int layers = gpu.config().tree().path("num_hidden_layers").intValue();
            double tolerance = Math.sqrt(2.0 * PRODUCTS * layers) * ROUNDING + STORED_ROUNDING;
            int different = gpu.names().equals(cpu.names()) ? 0 : 1;
            double furthest = 0;
            for (String tensor : gpu.names()) {
                if (isCalibrated(tensor)) {
                    furthest = Math.max(furthest, distance(gpu.tensor(tensor), cpu.tensor(tensor)));
                } else if (!TensorComparison.identical(stored(gpu, tensor), stored(cpu, tensor))) {
                    different++;
                }
            }
            report(name + ", tensors that differ from the cpu's", different, different == 0);
            if (furthest > 0) {
                report(name + ", calibrated numbers off by", furthest, furthest <= tolerance);
            }
        }
    }

    private static Checkpoint.StoredTensor stored(Checkpoint checkpoint, String tensor) {
        return Objects.requireNonNull(checkpoint.stored().get(tensor));
    }

    private static boolean isCalibrated(String tensor) {
        return tensor.endsWith(CompressedTensors.INPUT_SCALE_SUFFIX)
                || tensor.endsWith(CompressedTensors.INPUT_GLOBAL_SCALE_SUFFIX)
                || tensor.endsWith(CompressedTensors.INPUT_ZERO_POINT_SUFFIX)
                || tensor.endsWith(CompressedTensors.KEY_SCALE_SUFFIX)
                || tensor.endsWith(CompressedTensors.VALUE_SCALE_SUFFIX);
    }

    /** Relative for scales, in parts of the range for zero points. */
    private static double distance(Tensor left, Tensor right) {
        double furthest = 0;
        long count = left.shape().stream().reduce(1L, Math::multiplyExact);
        for (long i = 0; i < count; i++) {
            double a = number(left, i);
            double b = number(right, i);
            double whole = left.name().endsWith(CompressedTensors.INPUT_ZERO_POINT_SUFFIX) ? LEVELS : Math.abs(b);
            furthest = Math.max(furthest, Math.abs(a - b) / whole);
        }
        return furthest;
    }

    private static double number(Tensor tensor, long index) {
        return switch (tensor.dtype()) {
            case F32 -> tensor.segment().get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
            case BF16 -> BFloat16.toFloat(tensor.segment().get(ValueLayout.JAVA_SHORT_UNALIGNED, index * Short.BYTES));
            case I8 -> tensor.segment().get(ValueLayout.JAVA_BYTE, index);
            default -> throw new IllegalArgumentException(tensor.name() + " is " + tensor.dtype());
        };
    }

    private static void report(String name, double value, boolean passed) {
        System.out.printf(Locale.ROOT, "{\"check\": \"%s\", \"value\": %.6f, \"passed\": %b}%n", name, value, passed);
    }
}
