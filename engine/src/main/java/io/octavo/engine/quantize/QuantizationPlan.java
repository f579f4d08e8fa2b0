package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What happens to every tensor of a checkpoint, known from headers and config alone.
 *
 * @param steps one a tensor, in the order of the source
 * @param ignore what the written config lists: the Linear modules that are left alone
 */
public record QuantizationPlan(Scheme scheme, List<Step> steps, List<String> ignore) {

    /** What happens to one source tensor. */
    public sealed interface Step {

        StoredTensor source();

        /** What is written for it; these tensors stay in one file. */
        List<TensorSpec> outputs();
    }

    /**
     * A weight that becomes codes {@code [outFeatures, inFeatures]} and scales {@code [outFeatures, 1]} in the weight's
     * own number type.
     *
     * @param module the weight's name without {@code .weight}
     */
    public record Quantize(String module, StoredTensor source) implements Step {

        public long outFeatures() {
            return source.info().shape().getFirst();
        }

        public long inFeatures() {
            return source.info().shape().getLast();
        }

        public String scaleName() {
            return module + CompressedTensors.WEIGHT_SCALE_SUFFIX;
        }

        @Override
        public List<TensorSpec> outputs() {
            TensorInfo weight = source.info();
            return List.of(
                    new TensorSpec(weight.name(), DType.F8_E4M3, weight.shape()),
                    new TensorSpec(scaleName(), weight.dtype(), outFeatures(), 1));
        }
    }

    /**
     * A tensor that keeps its name, type and bits.
     *
     * @param reason why, for people
     */
    public record Keep(StoredTensor source, String reason) implements Step {
        @Override
        public List<TensorSpec> outputs() {
            TensorInfo tensor = source.info();
            return List.of(new TensorSpec(tensor.name(), tensor.dtype(), tensor.shape()));
        }
    }

    public QuantizationPlan {
        steps = List.copyOf(steps);
        ignore = List.copyOf(ignore);
    }

    /**
     * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
     * @throws QuantizationException {@code ALREADY_QUANTIZED}, {@code ARCHITECTURE_MISSING}, {@code IGNORE_INVALID},
     *     {@code NOTHING_TO_QUANTIZE}, {@code TENSOR_DTYPE_UNSUPPORTED} or {@code SCHEME_UNSUITABLE}
     */
    public static QuantizationPlan of(Checkpoint checkpoint, Scheme scheme, List<String> ignore) {
        if (!scheme.equals(Scheme.FP8_DYNAMIC)) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE, "scheme " + scheme.name() + " cannot be computed");
        }
        return new QuantizationPlanner(checkpoint, scheme, ignore).plan();
    }

    public List<Quantize> quantized() {
        return steps.stream()
                .filter(Quantize.class::isInstance)
                .map(Quantize.class::cast)
                .toList();
    }

    public List<Keep> kept() {
        return steps.stream()
                .filter(Keep.class::isInstance)
                .map(Keep.class::cast)
                .toList();
    }

    /** Each step under the name of every tensor that it writes. */
    Map<String, Step> stepsByOutput() {
        var byOutput = new HashMap<String, Step>();
        steps.forEach(step -> step.outputs().forEach(output -> byOutput.put(output.name(), step)));
        return byOutput;
    }

    /** Tensor bytes that are read. */
    public long inputBytes() {
        return steps.stream().mapToLong(step -> step.source().info().byteSize()).sum();
    }

    /** Tensor bytes that are written, without headers. */
    public long outputBytes() {
        return shards(Long.MAX_VALUE).byteSize();
    }

    /** Weight files that are written. */
    public int outputFiles() {
        return shards(ShardPlan.DEFAULT_SHARD_BYTES).shards().size();
    }

    /** Bits a weight of the quantized modules, scales included. */
    public double weightBits() {
        long bytes = 0;
        long weights = 0;
        for (Quantize step : quantized()) {
            bytes += step.outputs().stream().mapToLong(TensorSpec::byteSize).sum();
            weights += step.outFeatures() * step.inFeatures();
        }
        return 8.0 * bytes / weights;
    }

    ShardPlan shards(long shardBytes) {
        return ShardPlan.of(steps.stream().map(Step::outputs).toList(), shardBytes);
    }
}
