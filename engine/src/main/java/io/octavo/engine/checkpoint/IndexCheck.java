package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.module.ModuleRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * Whether an index tells the truth about its shards. A tensor in another shard than it says is found by loaders, which read
 * all that a shard holds. What it names and no shard holds is passed over, as transformers does, where the model does not need
 * it: loaders of quantized files fill what is missing with whatever lies in memory.
 */
final class IndexCheck {

    private static final List<Long> SOME_MATRIX = List.of(2L, 2L);
    private static final String WEIGHT_END = ".weight";

    private final Map<String, StoredTensor> tensors;
    private final JsonNode config;
    private final Set<String> kinds;

    IndexCheck(Map<String, StoredTensor> tensors, JsonNode config) {
        this.tensors = tensors;
        this.config = config;
        this.kinds = tensors.keySet().stream().map(IndexCheck::kind).collect(Collectors.toSet());
    }

    /**
     * @return what it names without need, or in another shard than the tensor's, for people
     * @throws QuantizationException {@code CHECKPOINT_INDEX_INVALID} if a tensor is needed and lacks
     */
    List<String> check(ShardIndex index) {
        var notes = new ArrayList<String>();
        index.files().forEach((name, shard) -> {
            StoredTensor stored = tensors.get(name);
            if (stored != null && stored.shard().path().endsWith(shard)) {
                return;
            }
            String what = ShardIndex.FILE_NAME + " places tensor " + name + " in " + shard + ", which does not hold it";
            if (stored != null) {
                notes.add(what + "; it lies in " + stored.shard().path().getFileName());
            } else if (isNeeded(name)) {
                throw new QuantizationException(ErrorCode.CHECKPOINT_INDEX_INVALID, what);
            } else {
                notes.add(what + "; nothing needs it");
            }
        });
        return notes;
    }

    /** Told from its name, and from what else there is: another layer's tensor of its kind, or a role that models cannot do without. */
    private boolean isNeeded(String name) {
        String module = name.substring(0, Math.max(name.lastIndexOf('.'), 0));
        ModuleRole role = ModuleRole.of(module, SOME_MATRIX, config);
        boolean tied = config.path("tie_word_embeddings").asBoolean(false);
        if (role == ModuleRole.EXTRA_PREDICTION || (role == ModuleRole.OUTPUT_HEAD && tied)) {
            return false;
        }
        if (kinds.contains(kind(name))) {
            return true;
        }
        return switch (role) {
            case UNKNOWN, TRANSPOSED, OTHER -> false;
            case TOWER -> tensors.keySet().stream().anyMatch(other -> other.startsWith(firstPart(name)));
            default -> name.endsWith(WEIGHT_END);
        };
    }

    private static String firstPart(String name) {
        return name.substring(0, name.indexOf('.') + 1);
    }

    /** A name without its numbers. */
    private static String kind(String name) {
        return name.replaceAll("(?<=\\.)[0-9]+(?=\\.)", "*");
    }
}
