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
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of the channels of inputs that a layer makes at one stage of its way, whichever of those that are wanted
 * comes first; and of those channels with what they differ by from the original model's, text by text: the original model runs
 * first, then the solved one.
 *
 * <p>Inputs of experts stand alone: both models may send other tokens to one.
 */
final class StageMoments implements AutoCloseable {

    private static final String EXPERTS = ".experts.";
    private static final int GPU_TOKENS = 8192;
    private static final Pattern EXPERT = Pattern.compile("\\.experts\\.(\\d{1,9})\\.");

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

    /** Which of the experts a module belongs to; 0 for others. */
    static int expert(String module) {
        Matcher expert = EXPERT.matcher(module);
        return expert.find() ? Integer.parseInt(expert.group(1)) : 0;
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

    /** For one text. */
    ActivationObserver ofOriginals() {
        return ofOriginals(false);
    }

    /** For one text, which may run on to the layer's end. */
    ActivationObserver ofOriginals(boolean toTheEnd) {
        return new Look(toTheEnd) {
            @Override
            void see(String module, Matrix activations, Stream stream) {
                if (pairs(module)) {
                    pairs.computeIfAbsent(module, name -> new Pair(activations.columns()))
                            .original(activations, stream);
                }
            }
        };
    }

    /** For one text, which the original model's observer has seen. */
    ActivationObserver ofSolved() {
        return new Look(false) {
            @Override
            void see(String module, Matrix activations, Stream stream) {
                Pair pair = pairs.get(module);
                if (pair != null) {
                    pair.solved(activations, stream);
                } else {
                    alone.input(module, activations, stream);
                }
            }

            @Override
            void seeExperts(List<String> experts, Matrix activations, Matrix starts, Stream stream) {
                alone.experts(experts, activations, starts, stream);
            }
        };
    }

    /** At the inputs of the stage, after which the layer need not run on. */
    private abstract class Look implements ActivationObserver {

        private final boolean toTheEnd;
        private boolean seen;

        Look(boolean toTheEnd) {
            this.toTheEnd = toTheEnd;
        }

        abstract void see(String module, Matrix activations, Stream stream);

        @Override
        public void input(String module, Matrix activations, Stream stream) {
            if (takes(module)) {
                see(module, activations, stream);
                seen = true;
            }
        }

        /** The original model's experts have nothing to be compared with. */
        @SuppressWarnings("UnusedVariable") // who overrides it reads them
        void seeExperts(List<String> experts, Matrix activations, Matrix starts, Stream stream) {}

        @Override
        public void experts(List<String> experts, Matrix activations, Matrix starts, Stream stream) {
            if (experts.stream().anyMatch(StageMoments.this::takes)) {
                seeExperts(experts, activations, starts, stream);
                seen = true;
            }
        }

        @Override
        public boolean hasSeenEnough() {
            return seen && !toTheEnd;
        }
    }

    /**
     * What was seen of an input, or of those of experts; zeros if no token came. The caller closes it.
     *
     * @param wanted one module, or experts'
     */
    Moments.Taken take(List<String> wanted, int columns, Stream stream) {
        Pair pair = pairs.remove(wanted.getFirst());
        if (pair == null) {
            return alone.take(wanted, columns, stream);
        }
        pair.finish(stream);
        return pair.moments.take(0, 1);
    }

    @Override
    public void close() {
        pairs.values().forEach(pair -> {
            pair.release();
            pair.moments.release(1);
        });
        alone.close();
    }

    /** An input of the solved model, and what it differs by from the original one's. */
    final class Pair {

        private final Moments moments;
        private final DeviceBuffer difference;
        private final DeviceBuffer rounded;
        private final Matrix inputs;
        private final Matrix differences;
        private final long columns;
        private long waiting;

        Pair(long columns) {
            int atOnce = atOnce(longest, backend.computeCapability() > 0);
            this.columns = columns;
            this.moments = new Moments(backend, columns, 1, true);
            this.difference = backend.allocate("moments", Matrix.bytes(DType.F32, longest, columns));
            this.rounded = backend.allocate("moments", 2 * Matrix.bytes(DType.BF16, atOnce, columns));
            Matrix both = Matrix.of(rounded, DType.BF16, 2L * atOnce, columns);
            this.inputs = both.part(0, 2);
            this.differences = both.part(1, 2);
        }

        /** Beside the sums, while texts run. */
        static long bytes(long columns, int longest, boolean gpu) {
            return Matrix.bytes(DType.F32, longest, columns)
                    + 2 * Matrix.bytes(DType.BF16, atOnce(longest, gpu), columns);
        }

        /** Tokens that are summed in one call: a GPU reads and writes all sums for each. */
        private static int atOnce(int longest, boolean gpu) {
            return gpu ? Math.max(longest, GPU_TOKENS) : longest;
        }

        private Matrix difference(long tokens) {
            return Matrix.of(difference, DType.F32, tokens, columns);
        }

        void original(Matrix activations, Stream stream) {
            backend.operations().convert().convert(activations, difference(activations.rows()), stream);
        }

        void solved(Matrix activations, Stream stream) {
            Matrix d = difference(activations.rows());
            backend.operations().add().subtract(d, activations, stream);
            moments.addSquares(d, stream);
            if (waiting + d.rows() > inputs.rows()) {
                addUp(stream);
            }
            long end = waiting + d.rows();
            backend.operations().convert().convert(activations, inputs.rows(waiting, end), stream);
            backend.operations().convert().convert(d, differences.rows(waiting, end), stream);
            waiting = end;
        }

        private void addUp(Stream stream) {
            moments.accumulate(inputs.rows(0, waiting), differences.rows(0, waiting), stream);
            waiting = 0;
        }

        /** Adds what waits, and releases all but the sums. */
        void finish(Stream stream) {
            addUp(stream);
            stream.synchronize();
            release();
        }

        void release() {
            List.of(difference, rounded).forEach(DeviceBuffer::close);
        }
    }
}
