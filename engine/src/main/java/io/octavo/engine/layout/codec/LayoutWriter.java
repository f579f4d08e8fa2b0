package io.octavo.engine.layout.codec;

import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.KvScaleTensors;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * Spells quantized modules in one layout, number by number: what it cannot hold exactly it refuses.
 *
 * <p>A module's weight is read some rows at a time, so memory does not depend on its size.
 */
public final class LayoutWriter {

    private final Layout layout;
    private final StoredNumbers numbers;
    private final Declaration declaration;
    private final WeightCodec codec;
    private final InputCodec inputs;
    private final KvScaleTensors kvScales;

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if it has no way to say the numbers */
    public LayoutWriter(Layout layout, StoredNumbers numbers) {
        this.layout = layout;
        this.numbers = numbers;
        this.declaration = numbers.declaration(layout);
        Declaration.Group group = declaration.groups().getFirst();
        // GPTQ's two bits are read alone: loaders have no kernel for them.
        this.codec = Codecs.of(layout, group)
                .filter(found -> numbers.weights().type().bits() >= 4)
                .orElseThrow(() -> ExactNumbers.unsuitable("layout " + layout.id() + " holds " + layout.holds()
                        + "; the checkpoint has weights " + numbers.weights() + " and "
                        + numbers.inputs().map(stored -> "inputs " + stored).orElse("16-bit inputs")));
        if (numbers.actOrder() && layout == Layout.AWQ) {
            throw ExactNumbers.unsuitable("layout awq cannot hold act-order groups");
        }
        boolean compressed = layout == Layout.COMPRESSED_TENSORS;
        this.inputs = compressed ? InputCodec.COMPRESSED : InputCodec.PLAIN;
        this.kvScales = KvScaleTensors.of(layout, numbers);
    }

    /**
     * The {@code quantization_config} that belongs into config.json.
     *
     * @param experts whether some of the modules are experts
     */
    public ObjectNode config(boolean experts) {
        return declaration.write(experts);
    }

    /** Further files that loaders of this layout look for, by name. */
    public SequencedMap<String, ObjectNode> files() {
        return declaration.files();
    }

    /** The tensors that a module becomes; they stay in one file. */
    public List<TensorSpec> tensors(QuantizedLinear linear) {
        if (layout == Layout.AWQ || layout == Layout.MODELOPT) {
            numbers.requireNotExcluded(linear.module(), layout);
        }
        return Stream.concat(
                        weightTensors(linear).all().stream(),
                        inputs.tensors(linear.module(), linear.inputs(), numbers.scaleType()).stream())
                .toList();
    }

    private WeightTensors weightTensors(QuantizedLinear linear) {
        QuantizedWeight weight = linear.weight();
        return codec.tensors(new ModuleShape(
                linear.module(),
                numbers.weights(),
                weight.outFeatures(),
                weight.inFeatures(),
                numbers.scaleType(),
                weight.groupIndex().isPresent()));
    }

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if a number cannot be held exactly */
    public void write(QuantizedLinear linear, TensorSink sink) {
        codec.write(linear.weight(), weightTensors(linear), sink);
        inputs.write(linear, numbers.scaleType(), sink);
    }

    /** The tensors that hold the KV cache's scales; empty where it keeps the model's type. */
    public List<TensorSpec> kvCacheTensors() {
        return kvScales.specs();
    }

    public void writeKvCache(TensorSink sink) {
        kvScales.write(sink);
    }
}
