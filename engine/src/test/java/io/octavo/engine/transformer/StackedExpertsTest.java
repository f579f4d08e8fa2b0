package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts as matrices of a stack beside the same experts as modules. */
class StackedExpertsTest {

    private static final int TOKENS = 20;

    private final Backend backend = Backends.cpu(2);
    private final TinyMoe model = new TinyMoe();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void giveTheLogitsOfModules(boolean inputFirst) throws IOException {
        float[] modules = logits(model.checkpoint().write(folder.resolve("modules")), null);
        float[] stacked = logits(model.stacked(inputFirst).write(folder.resolve("stacked")), inputFirst);
        assertThat(stacked).isEqualTo(modules);
    }

    /** transformers 5 can save experts in one tensor, and nothing in the config says so. */
    @Test
    void areFoundWhereTheConfigDoesNotTell() throws IOException {
        float[] modules = logits(model.checkpoint().write(folder.resolve("modules")), null);
        float[] saved = logits(model.stacked(false).write(folder.resolve("saved")), null);
        assertThat(saved).isEqualTo(modules);
    }

    @Test
    void areRefusedWhereTheStackIsTooSmall() throws IOException {
        List<Long> shape = List.of(TinyMoe.EXPERTS - 1L, 2L * TinyMoe.WIDTH, (long) TinyMoe.HIDDEN);
        String name = "model.layers.1.mlp.experts.gate_up_proj";
        Path path = model.stacked(false)
                .without(name)
                .with(name, DType.BF16, shape, new byte[(TinyMoe.EXPERTS - 1) * 2 * TinyMoe.WIDTH * TinyMoe.HIDDEN * 2])
                .write(folder);
        assertThatThrownBy(() -> logits(path, false))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining(name)
                .extracting(failure -> ((QuantizationException) failure).code())
                .isEqualTo(ErrorCode.CHECKPOINT_SHAPE_MISMATCH);
    }

    @Test
    void areRefusedTheOtherWayRound() throws IOException {
        Path path = model.stacked(true).write(folder);
        assertThatThrownBy(() -> logits(path, false))
                .hasMessageContaining("experts.gate_up_proj[0] has shape [32, 48]");
    }

    private float[] logits(Path path, @Nullable Boolean inputFirst) {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            ModelSpec read = Architectures.read(checkpoint.config().tree());
            ModelSpec spec = inputFirst == null ? read : TinyMoe.stacked(read, inputFirst);
            try (Transformer transformer =
                            new ModelLoader(backend, checkpoint, spec).load(new RunLimits(TOKENS, 1, TOKENS, TOKENS));
                    KvCache cache = transformer.newCache(1, TOKENS)) {
                int[] ids = IntStream.range(0, TOKENS)
                        .map(i -> i * 7 % TinyMoe.VOCABULARY)
                        .toArray();
                var hidden = transformer.forward(new TokenBatch().add(cache.newSequence(), ids), cache);
                return transformer.read(
                        transformer.logits(hidden, IntStream.range(0, TOKENS).toArray()));
            }
        }
    }
}
