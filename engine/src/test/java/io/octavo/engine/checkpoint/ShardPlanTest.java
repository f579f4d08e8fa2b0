package io.octavo.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ShardPlanTest {

    @ParameterizedTest
    @CsvSource({
        "1, 400_000_000",
        "1_200_000_000, 400_000_000",
        "24_000_000_000, 1_000_000_000",
        "70_000_000_000, 2_916_666_666",
        "405_000_000_000, 5_000_000_000"
    })
    void largeArtifactsHaveAboutTwoDozenFilesOfAtMostFiveGigabytes(String artifact, String file) {
        assertThat(ShardPlan.shardBytes(number(artifact))).isEqualTo(number(file));
    }

    private static long number(String text) {
        return Long.parseLong(text.replace("_", ""));
    }

    @Test
    void smallArtifactsAreOneFileWithoutAnIndex() {
        ShardPlan plan = ShardPlan.of(List.of(group("a", 10), group("b", 10)), ShardPlan.shardBytes(20));
        assertThat(plan.shards())
                .singleElement()
                .extracting(ShardPlan.Shard::fileName)
                .isEqualTo("model.safetensors");
        assertThat(plan.indexJson()).isEmpty();
    }

    @Test
    void whatBelongsTogetherStaysInOneFile() {
        ShardPlan plan = ShardPlan.of(List.of(group("a", 60), group("b", 60), group("c", 60)), 100);
        assertThat(plan.shards()).hasSize(3);
        assertThat(plan.shards().getFirst().tensors()).hasSize(2);
    }

    private static List<TensorSpec> group(String module, long columns) {
        return List.of(
                new TensorSpec(module + ".weight", DType.I8, 1, columns - 2),
                new TensorSpec(module + ".weight_scale", DType.BF16, 1));
    }
}
