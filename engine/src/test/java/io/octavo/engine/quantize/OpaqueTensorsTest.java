package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpaqueTensorsTest {

    @TempDir
    Path folder;

    @Test
    void carriesTypesThatNothingComputesWithByteForByte() throws IOException {
        var random = new SplittableRandom(3);
        float[] weight = new float[16 * 16];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = random.nextInt(-8, 8) / 4f;
        }
        var fixture = new CheckpointFixture().withBf16("model.layers.0.mlp.up_proj.weight", List.of(16L, 16L), weight);
        for (DType dtype : DType.values()) {
            byte[] bytes = new byte[8 * dtype.bits() / Byte.SIZE];
            random.nextBytes(bytes);
            fixture.with("buffers." + dtype, dtype, List.of(2L, 4L), bytes);
        }
        Path source = Files.createDirectories(folder.resolve("source"));
        fixture.write(source);
        Path out = folder.resolve("out");
        try (Backend backend = Backends.cpu(2)) {
            var recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of());
            new Quantizer(backend, 2).quantize(new QuantizationRequest(source, out, recipe), JobMonitor.none());
        }
        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(out)) {
            for (DType dtype : DType.values()) {
                Tensor kept = after.tensor("buffers." + dtype);
                assertThat(kept.dtype()).isEqualTo(dtype);
                assertThat(kept.shape()).containsExactly(2L, 4L);
                assertThat(kept.segment().toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(before.tensor("buffers." + dtype).segment().toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }
}
