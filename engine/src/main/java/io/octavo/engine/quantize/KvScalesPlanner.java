package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.quantize.QuantizationPlan.Action;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;

/** Adds the scales of the KV cache: in BF16 where the model is, else in F32, since F16 does not hold small ones. */
final class KvScalesPlanner {

    private KvScalesPlanner() {}

    /** @param actions those of the source's tensors */
    static List<KvScales> plan(Checkpoint checkpoint, Quantization cache, List<Action> actions) {
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        DType dtype = dtype(checkpoint);
        var scales = new ArrayList<KvScales>();
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            String name = spec.layers().get(layer).name();
            switch (spec.layers().get(layer).mixer()) {
                case AttentionSpec attention -> {
                    String module = name + "." + attention.names().block();
                    requireModule(module, actions);
                    List<Long> shape = cache.granularity() instanceof Granularity.PerHead
                            ? List.of((long) attention.kvHeads(), 1L, 1L)
                            : List.of(1L);
                    scales.add(new KvScales(module, layer, dtype, shape));
                }
            }
        }
        return scales;
    }

    private static void requireModule(String attention, List<Action> actions) {
        if (actions.stream().noneMatch(action -> belongsTo(attention, action))) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE, "there is no module " + attention + " for scales of the KV cache");
        }
    }

    private static boolean belongsTo(String attention, Action action) {
        return action.outputs().stream().map(TensorSpec::name).anyMatch(name -> name.startsWith(attention + "."));
    }

    private static DType dtype(Checkpoint checkpoint) {
        return checkpoint.stored().values().stream()
                .map(stored -> stored.info().dtype())
                .filter(type -> type == DType.BF16 || type == DType.F16)
                .findFirst()
                .filter(DType.BF16::equals)
                .orElse(DType.F32);
    }
}
