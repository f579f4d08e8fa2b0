package io.octavo.engine.layout;

import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Makes writers of layouts. */
public final class LayoutWriters {

    private LayoutWriters() {}

    /**
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if the layout has no way to say what the
     *     checkpoint holds
     */
    public static LayoutWriter of(Layout layout, StoredNumbers numbers) {
        return new LayoutWriter(layout, numbers);
    }

    /**
     * Whether a layout can say what a scheme stores, before there are any numbers.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if not
     */
    public static void requireSuitable(Layout layout, Scheme scheme, Optional<Quantization> kvCache) {
        requireSuitable(layout, scheme.weights(), scheme.inputs(), kvCache);
    }

    /**
     * The same of what a config declares of some modules.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if not
     */
    public static void requireSuitable(
            Layout layout, Quantization weights, Optional<Quantization> inputs, Optional<Quantization> kvCache) {
        of(
                layout,
                new StoredNumbers(
                        weights,
                        inputs,
                        List.of(),
                        kvCache.map(quantization -> new KvCacheScales(quantization, new TreeMap<>())),
                        DType.F32,
                        false));
    }
}
