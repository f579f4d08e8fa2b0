package io.octavo.engine.sensitivity;

import io.octavo.engine.calibrate.Calibrator;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.BitBudget;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.sensitivity.MixedPrecision.Candidates;
import io.octavo.engine.solve.PlainRounding;
import io.octavo.engine.solve.SolvableWeight;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * How far the outputs of each decoder layer move when one group of its modules is rounded. All other layers are as they were, one
 * is in memory at a time, and its outputs for all texts.
 */
final class LayerStudy {

    /** Texts that are run: means over their tokens hardly move after some thousands. */
    private static final int MOST_TEXTS = 16;

    private final Backend backend;
    private final JobMonitor monitor;

    LayerStudy(Backend backend, JobMonitor monitor) {
        this.backend = backend;
        this.monitor = monitor;
    }

    /** @return for each group of the candidates, by scheme: the mean over tokens of {@code ||h' - h||² / ||h||²} */
    List<Map<String, Double>> run(Checkpoint source, CalibrationData data, Candidates candidates) {
        ModelSpec spec = Architectures.read(source.config().tree());
        List<int[]> texts = Calibrator.samples(source, data, spec);
        texts = texts.subList(0, Math.min(texts.size(), MOST_TEXTS));
        var losses = new ArrayList<Map<String, Double>>(
                Collections.nCopies(candidates.groups().size(), Map.of()));
        try (LayerStream layers = new ModelLoader(backend, source, spec).stream(texts);
                Stream stream = backend.newStream()) {
            var rounding = new PlainRounding(backend, stream, monitor);
            while (layers.next() < layers.layers()) {
                String layer = spec.layers().get(layers.next()).name() + ".";
                var outputs = new Outputs(layers, spec.hiddenSize());
                for (int i = 0; i < candidates.groups().size(); i++) {
                    Map<String, List<Quantize>> group = candidates.groups().get(i);
                    if (Objects.requireNonNull(group.get(candidates.own()))
                            .getFirst()
                            .module()
                            .startsWith(layer)) {
                        losses.set(i, losses(group, outputs, rounding));
                    }
                }
                layers.advance(ActivationObserver.none(), monitor::checkpoint);
                monitor.progress((double) layers.next() / layers.layers());
            }
        }
        return losses;
    }

    private static Map<String, Double> losses(
            Map<String, List<Quantize>> group, Outputs outputs, PlainRounding rounding) {
        var losses = new LinkedHashMap<String, Double>();
        group.forEach((scheme, actions) ->
                losses.put(scheme, scheme.equals(BitBudget.KEPT) ? 0 : outputs.moved(rounded(actions, rounding))));
        return losses;
    }

    private static Map<String, QuantizedLinear> rounded(List<Quantize> actions, PlainRounding rounding) {
        var absmaxes = new HashMap<List<String>, Float>();
        List<SolvableWeight> weights = actions.stream().map(Quantize::solvable).toList();
        for (SolvableWeight weight : weights) {
            if (!weight.sharing().isEmpty()) {
                absmaxes.merge(weight.sharing(), weight.absmax(), Math::max);
            }
        }
        var linears = new HashMap<String, QuantizedLinear>();
        for (int i = 0; i < weights.size(); i++) {
            SolvableWeight weight = weights.get(i);
            linears.put(
                    weight.module(),
                    new QuantizedLinear(
                            weight.module(),
                            rounding.round(weight, absmaxes.getOrDefault(weight.sharing(), 0f)),
                            actions.get(i).scheme().inputs(),
                            Optional.empty()));
        }
        return linears;
    }

    /** What the next layer of a stream gives. */
    private final class Outputs {

        private final LayerStream layers;
        private final int hidden;
        private final List<float[]> plain = new ArrayList<>();

        Outputs(LayerStream layers, int hidden) {
            this.layers = layers;
            this.hidden = hidden;
            look(ChangedWeights.none(), (text, output) -> plain.add(output));
        }

        private void look(ChangedWeights changed, LayerStream.Outputs reader) {
            layers.look(changed, (text, output) -> {
                monitor.checkpoint();
                reader.text(text, output);
            });
        }

        double moved(Map<String, QuantizedLinear> linears) {
            double[] sum = new double[1];
            look(new ChangedWeights(Map.of(), linears), (text, output) -> sum[0] += moved(plain.get(text), output));
            return sum[0]
                    / plain.stream().mapToLong(output -> output.length / hidden).sum();
        }

        private double moved(float[] before, float[] after) {
            double sum = 0;
            for (int token = 0; token < before.length; token += hidden) {
                double difference = 0;
                double square = 0;
                for (int i = token; i < token + hidden; i++) {
                    double step = (double) after[i] - before[i];
                    difference += step * step;
                    square += (double) before[i] * before[i];
                }
                sum += difference / Math.max(square, Double.MIN_NORMAL);
            }
            return sum;
        }
    }
}
