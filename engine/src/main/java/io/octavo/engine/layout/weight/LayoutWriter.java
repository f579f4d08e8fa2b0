package io.octavo.engine.layout.weight;

import io.octavo.engine.safetensors.TensorSpec;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * Spells quantized modules in one layout, number by number: what it cannot hold exactly it refuses.
 *
 * <p>Made by {@code LayoutWriters} for one checkpoint. A module's weight is read some rows at a time, so memory does not
 * depend on its size.
 */
public interface LayoutWriter {

    /** The {@code quantization_config} that belongs into config.json. */
    ObjectNode config();

    /** Further files that loaders of this layout look for, by name. */
    SequencedMap<String, ObjectNode> files();

    /** The tensors that a module becomes; they stay in one file. */
    List<TensorSpec> tensors(QuantizedLinear linear);

    /** The tensors that hold the KV cache's scales; empty where it keeps the model's type. */
    List<TensorSpec> kvCacheTensors();

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if a number cannot be held exactly */
    void write(QuantizedLinear linear, TensorSink sink);

    void writeKvCache(TensorSink sink);
}
