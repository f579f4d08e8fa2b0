package io.octavo.engine.calibrate;

import io.octavo.engine.checkpoint.Checkpoint;
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
 * itself how large it is; this adds up what is there at the same time.
 *
 * @param deviceBytes at most
 * @param hostBytes at most, beside the device's
 */
public record CalibrationMemory(long deviceBytes, long hostBytes) {

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
            long widest = 0;
            for (String module : weighed) {
                var weight = run.checkpoint().stored().get(module + ".weight");
                if (weight != null && module.startsWith(layer.name() + ".")) {
                    long columns = weight.info().shape().getLast();
                    sums += MomentsObserver.Moments.bytes(columns, false);
                    widest = Math.max(widest, columns);
                }
            }
            most = Math.max(most, sums + MomentsObserver.roundedBytes(run.tokens(), widest));
        }
        return new CalibrationMemory(stream.deviceBytes() + most, stream.hostBytes());
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
            for (Stage stage : stages(run, settings, own)) {
                device = Math.max(device, stage.deviceBytes(stream.layerBytes()));
                host = Math.max(host, solved + stage.hostBytes());
            }
        }
        return new CalibrationMemory(models * stream.sharedBytes() + device, models * stream.hostBytes() + host);
    }

    /** What there is of both, one after the other. */
    public CalibrationMemory or(CalibrationMemory other) {
        return new CalibrationMemory(Math.max(deviceBytes, other.deviceBytes), Math.max(hostBytes, other.hostBytes));
    }

    /** A layer's inputs that are looked at in one pass, then solved one after the other. */
    private record Stage(Run run, boolean paired, List<List<SolvableWeight>> inputs) {

        private boolean paired(List<SolvableWeight> readers) {
            return paired && StageMoments.pairs(readers.getFirst().module());
        }

        private static int columns(List<SolvableWeight> readers) {
            return readers.getFirst().inFeatures();
        }

        private long sums(List<SolvableWeight> readers) {
            return MomentsObserver.Moments.bytes(columns(readers), paired(readers));
        }

        private long pairing(List<SolvableWeight> readers) {
            return paired(readers) ? StageMoments.Pair.bytes(columns(readers), run.tokens()) : 0;
        }

        /** @param layer a loaded one, of which the original stays while inputs are solved */
        long deviceBytes(long layer) {
            long left = inputs.stream()
                    .mapToLong(readers -> sums(readers) + pairing(readers))
                    .sum();
            int widest = inputs.stream()
                    .filter(readers -> !paired(readers))
                    .mapToInt(Stage::columns)
                    .max()
                    .orElse(0);
            long rounded = MomentsObserver.roundedBytes(run.tokens(), widest);
            long most = (paired ? 2 : 1) * layer + left;
            for (List<SolvableWeight> readers : inputs) {
                left -= pairing(readers);
                most = Math.max(
                        most,
                        (paired ? layer : 0) + left + InputSolver.deviceBytes(readers, paired(readers), run.onGpu()));
                left -= sums(readers);
            }
            return rounded + most;
        }

        long hostBytes() {
            return inputs.stream()
                    .mapToLong(readers -> InputSolver.hostBytes(readers, run.onGpu()))
                    .max()
                    .orElse(0);
        }
    }

    private static List<Stage> stages(Run run, Gptq settings, List<SolvableWeight> weights) {
        Collection<List<SolvableWeight>> inputs =
                LayerwiseSolver.inputs(weights).values();
        if (!settings.runsOriginals()) {
            return List.of(new Stage(run, false, List.copyOf(inputs)));
        }
        return inputs.stream()
                .collect(Collectors.groupingBy(
                        readers -> StageMoments.stage(readers.getFirst().module())))
                .values()
                .stream()
                .map(stage -> new Stage(run, true, stage))
                .toList();
    }
}
