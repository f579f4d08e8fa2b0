package io.octavo.engine.calibrate;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.solve.InputSolver;
import io.octavo.engine.solve.SolvableWeight;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.kernels.number.DType;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Memory that looking at data takes, and solving codes after that; told from a checkpoint's headers. What is allocated says
 * itself how large it is; this adds up what is there at the same time. Hidden states that wait count to a GPU, which holds them
 * where it has plenty, and to the host, which holds them where it has not.
 *
 * @param deviceBytes at most
 * @param hostBytes at most, beside the device's
 */
public record CalibrationMemory(long deviceBytes, long hostBytes) {

    /** Of a buffer that lies in a file where the device's memory is the host's: a square of 5,793 channels. */
    public static final long SPILLED_BYTES = 128 << 20;

    /** Of a recipe that looks at no data. */
    public static final CalibrationMemory NONE = new CalibrationMemory(0, 0);

    /**
     * A model on its way over a backend.
     *
     * @param productInput of the backend: BF16 for a GPU, F32 for a CPU
     */
    public record Run(Checkpoint checkpoint, ModelSpec spec, CalibrationShape shape, DType productInput) {

        /** Of a text, at most. */
        public int tokens() {
            return Math.min(shape.sequenceLength(), spec.maxPositions());
        }

        boolean onGpu() {
            return productInput != DType.F32;
        }

        /** Of the hidden states that a device holds, if it is a GPU that has plenty; otherwise the host does. */
        private long stateBytes(LayerStream.Memory stream) {
            return onGpu() ? stream.stateBytes() : 0;
        }

        /** Of a module's input, which of experts has a row for each that a token is sent to. */
        long roundedBytes(LayerSpec layer, String module, long columns) {
            boolean routed = !StageMoments.pairs(module);
            int times =
                    routed && layer.feedForward() instanceof FeedForwardSpec.Experts experts ? experts.perToken() : 1;
            return MomentsObserver.roundedBytes((long) times * tokens(), columns);
        }

        private LayerStream.Memory stream() {
            return LayerStream.Memory.of(checkpoint, spec, productInput, shape.samples(), tokens());
        }
    }

    /** @param weighed modules of whose inputs E[x²] is computed */
    public static CalibrationMemory ofObserving(Run run, Set<String> weighed) {
        LayerStream.Memory stream = run.stream();
        long most = 0;
        for (LayerSpec layer : run.spec().layers()) {
            long sums = 0;
            for (String module : weighed) {
                var weight = run.checkpoint().stored().get(module + ".weight");
                if (weight != null && module.startsWith(layer.name() + ".")) {
                    sums += SquaresObserver.bytes(weight.info().shape().getLast());
                }
            }
            most = Math.max(most, sums);
        }
        return new CalibrationMemory(stream.deviceBytes() + run.stateBytes(stream) + most, stream.stateBytes());
    }

    /** @param weights to solve, in their order */
    public static CalibrationMemory ofSolving(Run run, Gptq settings, List<SolvableWeight> weights) {
        LayerStream.Memory stream = run.stream();
        int models = settings.runsOriginals() ? 2 : 1;
        long device = 0;
        long host = 0;
        for (LayerSpec layer : run.spec().layers()) {
            List<SolvableWeight> own = weights.stream()
                    .filter(weight -> weight.module().startsWith(layer.name() + "."))
                    .toList();
            long solved = own.stream().mapToLong(SolvableWeight::codeBytes).sum();
            for (Stage stage : stages(run, layer, settings, own)) {
                device = Math.max(device, stage.deviceBytes(stream.layerBytes()));
                host = Math.max(host, solved + stage.hostBytes());
            }
        }
        return new CalibrationMemory(
                models * (stream.sharedBytes() + run.stateBytes(stream)) + device, models * stream.stateBytes() + host);
    }

    /** What there is of both, one after the other. */
    public CalibrationMemory or(CalibrationMemory other) {
        return new CalibrationMemory(Math.max(deviceBytes, other.deviceBytes), Math.max(hostBytes, other.hostBytes));
    }

    /** A layer's inputs that are looked at in one pass, then solved one after the other. */
    private record Stage(Run run, LayerSpec layer, boolean paired, List<List<SolvableWeight>> inputs) {

        private boolean paired(List<SolvableWeight> readers) {
            return paired && StageMoments.pairs(readers.getFirst().module());
        }

        private static int columns(List<SolvableWeight> readers) {
            return readers.getFirst().inFeatures();
        }

        private long sums(List<SolvableWeight> readers) {
            return Moments.bytes(columns(readers), 1, paired(readers));
        }

        private long pairing(List<SolvableWeight> readers) {
            return paired(readers) ? StageMoments.Pair.bytes(columns(readers), run.tokens(), run.onGpu()) : 0;
        }

        /** @param layerBytes of a loaded one, of which the original stays while inputs are solved */
        long deviceBytes(long layerBytes) {
            long left = inputs.stream()
                    .mapToLong(readers -> sums(readers) + pairing(readers))
                    .sum();
            long rounded = inputs.stream()
                    .filter(readers -> !paired(readers))
                    .mapToLong(readers ->
                            run.roundedBytes(layer, readers.getFirst().module(), columns(readers)))
                    .max()
                    .orElse(0);
            long most = (paired ? 2 : 1) * layerBytes + left;
            for (List<List<SolvableWeight>> batch : LayerwiseSolver.batches(inputs, run.onGpu())) {
                List<SolvableWeight> readers = batch.getFirst();
                left -= pairing(readers);
                long solving = InputSolver.deviceBytes(readers, batch.size(), paired(readers), run.onGpu());
                most = Math.max(most, (paired ? layerBytes : 0) + left + solving);
                // Those of experts are freed together.
                left -= batch.size() == 1 ? sums(readers) : 0;
            }
            return rounded + most;
        }

        long hostBytes() {
            return LayerwiseSolver.batches(inputs, run.onGpu()).stream()
                    .mapToLong(batch -> InputSolver.hostBytes(batch.getFirst(), batch.size(), run.onGpu()))
                    .max()
                    .orElse(0);
        }
    }

    private static List<Stage> stages(Run run, LayerSpec layer, Gptq settings, List<SolvableWeight> weights) {
        Collection<List<SolvableWeight>> inputs =
                LayerwiseSolver.inputs(weights).values();
        if (!settings.runsOriginals()) {
            return List.of(new Stage(run, layer, false, List.copyOf(inputs)));
        }
        return inputs.stream()
                .collect(Collectors.groupingBy(
                        readers -> StageMoments.stage(readers.getFirst().module())))
                .values()
                .stream()
                .map(stage -> new Stage(run, layer, true, stage))
                .toList();
    }
}
