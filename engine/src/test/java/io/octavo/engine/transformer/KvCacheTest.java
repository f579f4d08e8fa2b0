package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.kernels.Backends;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** Who owns which page. */
class KvCacheTest {

    private static final ModelSpec SPEC = Architectures.read(JsonMapper.shared().readTree("""
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "num_key_value_heads": 1, "intermediate_size": 8, "vocab_size": 10}
            """));

    private static KvCache cache(Backend backend, int pages) {
        return new KvCache(backend, SPEC, 0, 1, pages, DType.F32, KvScales.none());
    }

    /** Scales that a file stores belong to numbers of its type; a cache of another one has a scale for each token and head. */
    @ParameterizedTest
    @CsvSource({"I8, I8, false", "F8_E4M3, F8_E4M3, false", "I8, F8_E4M3, true", "F8_E4M3, I8, true"})
    void takesStoredScalesOfItsTypeAlone(DType stored, DType type, boolean ofTokens) {
        try (Backend backend = Backends.open("cpu", 1);
                DeviceBuffer one = backend.allocate("test", Float.BYTES)) {
            Matrix scale = Matrix.of(one, DType.F32, 1, 1);
            var given = new KvScales(stored, List.of(new KvScales.Layer(scale, scale)));
            assertThat(KvCache.defaultType(backend, given)).isEqualTo(stored);
            try (KvCache cache = new KvCache(backend, SPEC, 0, 1, 2, type, given)) {
                LayerState.KeysAndValues state = cache.keysAndValues(0);
                assertThat(state.keys().numbers().dtype()).isEqualTo(type);
                assertThat(state.keys().hasTokenScales()).isEqualTo(ofTokens);
                assertThat(state.values().hasTokenScales()).isEqualTo(ofTokens);
            }
        }
    }

    @Test
    void aClosedSequenceGivesItsPagesBack() {
        try (Backend backend = Backends.open("cpu", 1);
                KvCache cache = cache(backend, 2)) {
            for (int round = 0; round < 3; round++) {
                try (KvCache.Sequence sequence = cache.newSequence()) {
                    for (int token = 0; token < 2 * KvCacheLayout.PAGE_TOKENS; token++) {
                        sequence.append();
                    }
                    assertThat(sequence.pages()).containsExactlyInAnyOrder(0, 1);
                    assertThatIllegalStateException()
                            .isThrownBy(sequence::append)
                            .withMessageContaining("all 2 pages of " + KvCacheLayout.PAGE_TOKENS + " tokens");
                }
            }
        }
    }

    @Test
    void aPageHasOneOwnerAndItsSlotsFollowEachOther() {
        try (Backend backend = Backends.open("cpu", 1);
                KvCache cache = cache(backend, 2);
                KvCache.Sequence first = cache.newSequence();
                KvCache.Sequence second = cache.newSequence()) {
            int begin = first.append();
            int other = second.append();

            assertThat(first.append()).isEqualTo(begin + 1);
            assertThat(second.append()).isEqualTo(other + 1);
            assertThat(first.pages()).doesNotContainAnyElementsOf(second.pages());
            assertThat(first.length()).isEqualTo(2);
        }
    }
}
