package io.octavo.engine.convert;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.weight.LayoutWriter;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.TensorSink;
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
 * @param steps in the order of the source
 */
record ConversionPlan(List<Step> steps) {

    /** One piece of the output, written into one file. */
    sealed interface Step {

        List<TensorSpec> outputs();

        /** Bytes of the source that it stands for. */
        long sourceBytes();
    }

    /** A tensor that keeps its name, type and bits. */
    record Copy(StoredTensor source) implements Step {
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
    record Repack(String what, List<TensorSpec> outputs, long sourceBytes, Output output) implements Step {}

    @FunctionalInterface
    interface Output {
        void write(TensorSink sink);
    }

    ConversionPlan {
        steps = List.copyOf(steps);
    }

    static ConversionPlan of(Checkpoint source, QuantizedModules modules, LayoutWriter writer) {
        var steps = new ArrayList<Step>();
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
                steps.add(new Copy(tensor));
            } else if (repacked.add(module)) {
                steps.add(new Repack(
                        module,
                        writer.tensors(linear),
                        bytes.getOrDefault(module, 0L),
                        sink -> writer.write(linear, sink)));
            }
        }
        if (modules.kvCache().isPresent()) {
            steps.add(new Repack("KV cache", writer.kvCacheTensors(), 0, writer::writeKvCache));
        }
        return new ConversionPlan(steps);
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
        return ShardPlan.of(steps.stream().map(Step::outputs).toList(), shardBytes.applyAsLong(outputBytes()));
    }

    long sourceBytes() {
        return steps.stream().mapToLong(Step::sourceBytes).sum();
    }

    long outputBytes() {
        return steps.stream()
                .mapToLong(step -> TensorSpec.byteSize(step.outputs()))
                .sum();
    }

    List<Copy> copies() {
        return steps.stream()
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
        long bytes = steps.stream()
                .filter(step -> step instanceof Repack repack
                        && modules.find(repack.what()).isPresent())
                .flatMap(step -> step.outputs().stream())
                .mapToLong(TensorSpec::byteSize)
                .sum();
        return 8.0 * bytes / Math.max(weights, 1);
    }
}
