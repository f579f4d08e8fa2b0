package io.octavo.engine.convert;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.module.Experts;
import io.octavo.engine.safetensors.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongUnaryOperator;

/**
 * What becomes of every tensor of the source.
 *
 * @param actions in the order of the source
 */
record ConversionPlan(List<Action> actions) {

    /** One piece of the output, written into one file. */
    sealed interface Action {

        List<TensorSpec> outputs();

        /** Bytes of the source that it stands for. */
        long sourceBytes();
    }

    /** A tensor that keeps its name, type and bits. */
    record Copy(StoredTensor source) implements Action {
        @Override
        public List<TensorSpec> outputs() {
            return List.of(source.info().spec());
        }

        @Override
        public long sourceBytes() {
            return source.info().byteSize();
        }
    }

    /** Tensors that a writer makes. */
    record Repack(String what, List<TensorSpec> outputs, long sourceBytes, Output output) implements Action {}

    @FunctionalInterface
    interface Output {
        void write(TensorSink sink);
    }

    ConversionPlan {
        actions = List.copyOf(actions);
    }

    static ConversionPlan of(Checkpoint source, QuantizedModules modules, LayoutWriter writer) {
        var actions = new ArrayList<Action>();
        Map<String, Long> bytes = quantizationBytes(source);
        Set<String> repacked = new HashSet<>();
        for (StoredTensor tensor : source.stored().values()) {
            String name = tensor.info().name();
            if (QuantizedLayouts.isKvCacheScale(name) && modules.kvCache().isPresent()) {
                // All of them are written at once, last.
                continue;
            }
            String module = QuantizedLayouts.moduleOf(name);
            QuantizedLinear linear =
                    QuantizedLayouts.isQuantization(name) ? modules.find(module).orElse(null) : null;
            if (linear == null) {
                actions.add(new Copy(tensor));
            } else if (repacked.add(module)) {
                actions.add(new Repack(
                        module,
                        writer.tensors(linear),
                        bytes.getOrDefault(module, 0L),
                        sink -> writer.write(linear, sink)));
            }
        }
        if (modules.kvCache().isPresent()) {
            actions.add(new Repack("KV cache", writer.kvCacheTensors(), 0, writer::writeKvCache));
        }
        return new ConversionPlan(actions);
    }

    /** Whether experts are repacked. */
    boolean hasExperts() {
        return actions.stream()
                .anyMatch(action -> action instanceof Repack repack
                        && Experts.of(repack.what()).isPresent());
    }

    /** What each module's weight and its parameters take in the source. */
    private static Map<String, Long> quantizationBytes(Checkpoint source) {
        var bytes = new HashMap<String, Long>();
        for (StoredTensor tensor : source.stored().values()) {
            String name = tensor.info().name();
            if (QuantizedLayouts.isQuantization(name)) {
                bytes.merge(QuantizedLayouts.moduleOf(name), tensor.info().byteSize(), Long::sum);
            }
        }
        return bytes;
    }

    /** @param shardBytes tensor bytes a file, for those of the whole artifact */
    ShardPlan shards(LongUnaryOperator shardBytes) {
        return ShardPlan.of(actions.stream().map(Action::outputs).toList(), shardBytes.applyAsLong(outputBytes()));
    }

    long sourceBytes() {
        return actions.stream().mapToLong(Action::sourceBytes).sum();
    }

    long outputBytes() {
        return actions.stream()
                .mapToLong(action -> TensorSpec.byteSize(action.outputs()))
                .sum();
    }

    List<Copy> copies() {
        return actions.stream()
                .filter(Copy.class::isInstance)
                .map(Copy.class::cast)
                .toList();
    }

    /** Bits a weight of the repacked modules, scales included. */
    double weightBits(QuantizedModules modules) {
        long weights = modules.byName().values().stream()
                .mapToLong(linear ->
                        linear.weight().outFeatures() * linear.weight().inFeatures())
                .sum();
        long bytes = actions.stream()
                .filter(action -> action instanceof Repack repack
                        && modules.find(repack.what()).isPresent())
                .flatMap(action -> action.outputs().stream())
                .mapToLong(TensorSpec::byteSize)
                .sum();
        return 8.0 * bytes / Math.max(weights, 1);
    }
}
