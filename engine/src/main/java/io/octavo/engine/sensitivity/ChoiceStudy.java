package io.octavo.engine.sensitivity;

import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.TextOutputs;
import io.octavo.engine.transformer.weight.ChangedWeights;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs a model with a scheme chosen for each of its groups, all at once; one layer is in memory at a time. */
final class ChoiceStudy {

    private final ModelLoader loader;
    private final RoundedModules rounded;
    private final Candidates candidates;
    private final List<int[]> texts;
    private final JobMonitor monitor;

    ChoiceStudy(
            ModelLoader loader, RoundedModules rounded, Candidates candidates, List<int[]> texts, JobMonitor monitor) {
        this.loader = loader;
        this.rounded = rounded;
        this.candidates = candidates;
        this.texts = List.copyOf(texts);
        this.monitor = monitor;
    }

    /**
     * @param schemes of the groups, in their order
     * @return negative log-likelihood of the texts' tokens, in nats a token
     */
    double loss(List<String> schemes) {
        try (LayerStream layers = loader.stream(texts)) {
            while (layers.next() < layers.layers()) {
                layers.advance(
                        ActivationObserver.none(),
                        monitor::checkpoint,
                        new ChangedWeights(Map.of(), linears(layers.next(), schemes)));
            }
            try (TextOutputs outputs = layers.outputs()) {
                return outputs.loss(monitor::checkpoint);
            }
        }
    }

    /** The same of the original model. */
    double originalLoss() {
        return loss(List.of());
    }

    private Map<String, QuantizedLinear> linears(int layer, List<String> schemes) {
        var linears = new HashMap<String, QuantizedLinear>();
        for (int i = 0; i < schemes.size(); i++) {
            Candidates.Modules modules = candidates.groups().get(i);
            if (modules.layer() == layer) {
                linears.putAll(rounded.of(modules.in(schemes.get(i))));
            }
        }
        return linears;
    }
}
