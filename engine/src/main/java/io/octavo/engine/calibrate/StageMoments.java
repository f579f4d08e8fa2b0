package io.octavo.engine.calibrate;

import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of the channels of inputs that a layer makes at one stage of its way, whichever of those that are wanted
 * comes first; and of those channels with what the original model has in their place, text by text: the original model runs
 * first, then the solved one.
 *
 * <p>Inputs of experts stand alone: both models may send other tokens to one.
 */
final class StageMoments implements AutoCloseable {

    private static final String EXPERTS = ".experts.";

    private final Backend backend;
    private final Set<String> modules;
    private final int longest;
    private final MomentsObserver alone;
    private final Map<String, Pair> pairs = new HashMap<>();
    private @Nullable String stage;

    /**
     * @param modules whose inputs are wanted: one of those that read the same
     * @param longest tokens of a text, at most
     */
    StageMoments(Backend backend, Set<String> modules, int longest) {
        this.backend = backend;
        this.modules = Set.copyOf(modules);
        this.longest = longest;
        this.alone = new MomentsObserver(backend, modules);
    }

    /** What a module's stage is called: experts do the same at once. */
    static String stage(String module) {
        int experts = module.indexOf(EXPERTS);
        return experts < 0 ? module : module.substring(0, experts) + module.substring(module.lastIndexOf('.'));
    }

    /** Whether a module's input is made at the stage that came; before any did, all are. */
    boolean came(String module) {
        return stage == null || stage.equals(stage(module));
    }

    /** Whether a module's input is seen beside that of the original model. */
    static boolean pairs(String module) {
        return !module.contains(EXPERTS);
    }

    private boolean takes(String module) {
        if (!modules.contains(module)) {
            return false;
        }
        if (stage == null) {
            stage = stage(module);
        }
        return came(module);
    }

    ActivationObserver ofOriginals() {
        return (module, activations, stream) -> {
            if (takes(module) && pairs(module)) {
                pairs.computeIfAbsent(module, name -> new Pair(activations.columns()))
                        .original(activations, stream);
            }
        };
    }

    ActivationObserver ofSolved() {
        return (module, activations, stream) -> {
            Pair pair = pairs.get(module);
            if (pair != null) {
                pair.solved(activations, stream);
            } else if (takes(module)) {
                alone.input(module, activations, stream);
            }
        };
    }

    /** What was seen of an input, complete; zeros if no token came. The caller closes it. */
    MomentsObserver.Moments take(String module, int columns, Stream stream) {
        Pair pair = pairs.remove(module);
        if (pair == null) {
            return alone.take(module, columns, stream);
        }
        pair.release();
        backend.operations().secondMoments().mirror(pair.moments.sums(), stream);
        return pair.moments;
    }

    @Override
    public void close() {
        pairs.values().forEach(pair -> {
            pair.release();
            pair.moments.close();
        });
        alone.close();
    }

    /** Each token's channels in the solved model, then those in the original one, are a row of which moments are taken. */
    final class Pair {

        private final MomentsObserver.Moments moments;
        private final DeviceBuffer apart;
        private final DeviceBuffer beside;
        private final DeviceBuffer rounded;
        private final DeviceBuffer places;
        private final long columns;
        private long tokens;

        Pair(long columns) {
            this.columns = columns;
            this.moments = new MomentsObserver.Moments(backend, 2 * columns);
            this.apart = backend.allocate("moments", Matrix.bytes(DType.BF16, 2L * longest, columns));
            this.beside = backend.allocate("moments", Matrix.bytes(DType.F32, 2L * longest, columns));
            this.rounded = backend.allocate("moments", Matrix.bytes(DType.BF16, 2L * longest, columns));
            this.places = backend.allocate("moments", Matrix.bytes(DType.I32, 1, 2L * longest));
        }

        /** Beside the sums, while texts run. */
        static long bytes(long columns, int longest) {
            return 2 * Matrix.bytes(DType.BF16, 2L * longest, columns)
                    + Matrix.bytes(DType.F32, 2L * longest, columns)
                    + Matrix.bytes(DType.I32, 1, 2L * longest);
        }

        private Matrix apart() {
            return Matrix.of(apart, DType.BF16, 2 * tokens, columns);
        }

        void original(Matrix activations, Stream stream) {
            tokens = activations.rows();
            backend.operations().convert().convert(activations, apart().rows(tokens, 2 * tokens), stream);
        }

        void solved(Matrix activations, Stream stream) {
            int count = Math.toIntExact(tokens);
            int[] order = IntStream.range(0, 2 * count)
                    .map(i -> i / 2 + i % 2 * count)
                    .toArray();
            places.copyFrom(MemorySegment.ofArray(order), 0, stream);
            backend.operations().convert().convert(activations, apart().rows(0, tokens), stream);
            Matrix interleaved = Matrix.of(beside, DType.F32, 2 * tokens, columns);
            Matrix ids = Matrix.of(places, DType.I32, 1, 2 * tokens);
            backend.operations().embedding().gather(apart(), ids, 1, interleaved, stream);
            Matrix rows = Matrix.of(rounded, DType.BF16, 2 * tokens, columns);
            backend.operations().convert().convert(interleaved, rows, stream);
            moments.accumulate(rows.reshape(tokens, 2 * columns), stream);
        }

        /** All but the sums. */
        void release() {
            List.of(apart, beside, rounded, places).forEach(DeviceBuffer::close);
        }
    }
}
