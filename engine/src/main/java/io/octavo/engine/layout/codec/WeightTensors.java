package io.octavo.engine.layout.codec;

import io.octavo.engine.safetensors.TensorSpec;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The tensors that a weight becomes; those that there are not are null.
 *
 * @param shape outputs and inputs, where the codes do not tell them
 * @param groupIndex the group of each input channel
 */
public record WeightTensors(
        TensorSpec codes,
        TensorSpec scales,
        @Nullable TensorSpec zeroPoints,
        @Nullable TensorSpec globalScale,
        @Nullable TensorSpec shape,
        @Nullable TensorSpec groupIndex) {

    public List<TensorSpec> all() {
        return Stream.of(codes, scales, zeroPoints, globalScale, shape, groupIndex)
                .filter(Objects::nonNull)
                .toList();
    }
}
