package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.LayerNorms;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.engine.transformer.weight.LinearReader;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.engine.transformer.weight.WeightRounding;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Places a checkpoint's weights on a backend and checks every shape against the architecture.
 */
public final class ModelLoader {

    private final Backend backend;
    private final Checkpoint checkpoint;
    private final ModelSpec spec;
    private final LinearReader linears;

    /** @throws QuantizationException {@code quantization-unsupported} if the checkpoint's layout cannot be run */
    public ModelLoader(Backend backend, Checkpoint checkpoint, ModelSpec spec) {
        this.backend = backend;
        this.checkpoint = checkpoint;
        this.spec = spec;
        this.linears = new LinearReader(checkpoint);
    }

    /**
     * @throws QuantizationException {@code checkpoint-tensor-missing}, {@code checkpoint-shape-mismatch} or
     *     {@code tensor-dtype-unsupported}
     */
    public Transformer load(RunLimits limits) {
        return load(limits, null, JobMonitor.none());
    }

    /**
     * The same with plain weights of Linears rounded as they are placed; the output projection stays.
     *
     * @param rounding null for none
     * @param monitor may stop it between layers
     * @throws QuantizationException {@code already-quantized} or {@code tensor-not-finite} as well
     */
    public Transformer load(RunLimits limits, @Nullable WeightRounding rounding, JobMonitor monitor) {
        Stream stream = backend.newStream();
        TransformerWeights weights = weights(reader(stream, ChangedWeights.none(), rounding), monitor);
        stream.synchronize();
        return new Transformer(backend, spec, limits, weights, stream);
    }

    /**
     * Loads one layer at a time.
     *
     * @param texts tokens of each, at least one
     * @throws QuantizationException as {@link #load} does, when it comes to what is wrong
     */
    public LayerStream stream(List<int[]> texts) {
        return new LayerStream(this, backend, spec, texts);
    }

    ModuleReader reader(Stream stream) {
        return reader(stream, ChangedWeights.none());
    }

    ModuleReader reader(Stream stream, ChangedWeights changed) {
        return reader(stream, changed, null);
    }

    private ModuleReader reader(Stream stream, ChangedWeights changed, @Nullable WeightRounding rounding) {
        return new ModuleReader(
                backend, checkpoint, linears.with(changed), spec.hiddenSize(), spec.biases(), stream, rounding);
    }

    /** {@code [vocabulary, hidden]}, as it is stored. */
    Tensor embedding() {
        Tensor tensor = checkpoint.tensor(spec.names().embedding() + ".weight");
        return ModuleReader.requireShape(
                ModuleReader.requireFloating(tensor), spec.vocabularySize(), spec.hiddenSize());
    }

    private TransformerWeights weights(ModuleReader modules, JobMonitor monitor) {
        ModelSpec.Names names = spec.names();
        Matrix embedding = weight(names.embedding(), modules);
        List<DecoderLayer> layers = new ArrayList<>();
        for (int i = 0; i < spec.layers().size(); i++) {
            monitor.checkpoint();
            layers.add(layer(i, modules));
        }
        TransformerWeights.Head head = head(headIsTied() ? embedding : weight(names.output(), modules), modules);
        return new TransformerWeights(embedding, layers, head, kvScales(modules), modules);
    }

    private Matrix weight(String module, ModuleReader modules) {
        return modules.weight(module, spec.vocabularySize(), spec.hiddenSize());
    }

    private TransformerWeights.Head head(Matrix output, ModuleReader modules) {
        return new TransformerWeights.Head(
                backend, spec, modules.norm(spec.names().norm(), spec.hiddenSize()), output);
    }

    /** Without the layers. */
    TransformerWeights.Head head(ModuleReader modules) {
        ModelSpec.Names names = spec.names();
        return head(weight(headIsTied() ? names.embedding() : names.output(), modules), modules);
    }

    /** As transformers does: a head that is stored counts, whatever the config says of it. */
    private boolean headIsTied() {
        return spec.tiedEmbeddings()
                && !checkpoint.names().contains(spec.names().output() + ".weight");
    }

    DecoderLayer layer(int index, ModuleReader modules) {
        LayerSpec layer = spec.layers().get(index);
        LayerNorms norms = layer.norms();
        return new DecoderLayer(
                norms.kind(),
                new DecoderLayer.Norms(
                        norm(layer, norms.beforeMixer(), modules),
                        norm(layer, norms.afterMixer(), modules),
                        norm(layer, norms.beforeFeedForward(), modules),
                        norm(layer, norms.afterFeedForward(), modules)),
                Blocks.mixer(layer, index, modules),
                Blocks.feedForward(layer, modules));
    }

    private @Nullable Matrix norm(LayerSpec layer, @Nullable String module, ModuleReader modules) {
        return module == null ? null : modules.norm(layer.name() + "." + module, spec.hiddenSize());
    }

    KvScales kvScales(ModuleReader modules) {
        KvScales scales = linears.kvScales(modules);
        boolean fits =
                scales.isEmpty() || scales.layers().size() == spec.layers().size();
        for (int i = 0; fits && i < scales.layers().size(); i++) {
            fits = switch (spec.layers().get(i).mixer()) {
                case AttentionSpec attention -> scales.layers().get(i).fits(attention.kvHeads());
            };
        }
        if (!fits) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "scales of the KV cache do not fit " + spec.layers().size() + " layers and their heads");
        }
        return scales;
    }
}
