package io.octavo.engine.layout.weight;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The quantized modules of a checkpoint, by name; every other module is stored plainly.
 *
 * @param byName in the order of the checkpoint; empty for an unquantized checkpoint
 * @param kvCache empty where the KV cache keeps the model's own type
 */
public record QuantizedModules(SequencedMap<String, QuantizedLinear> byName, Optional<KvCacheScales> kvCache) {

    public QuantizedModules {
        byName = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(byName));
    }

    public static QuantizedModules none() {
        return new QuantizedModules(new LinkedHashMap<>(), Optional.empty());
    }

    /** @param module name without {@code .weight} */
    public Optional<QuantizedLinear> find(String module) {
        return Optional.ofNullable(byName.get(module));
    }
}
