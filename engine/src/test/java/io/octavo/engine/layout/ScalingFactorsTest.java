package io.octavo.engine.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.ScalingFactors.Place;
import io.octavo.engine.layout.ScalingFactors.Section;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScalingFactorsTest {

    /** As the tests of older vLLM had them. */
    private static final String CACHE_OF_TWO_RANKS = "{\"model_type\":\"llama\",\"kv_cache\":{"
            + "\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":0.0230,\"1\":0.0163},"
            + "\"1\":{\"0\":0.0210,\"1\":0.0303}}}}";

    @TempDir
    Path folder;

    @Test
    void readsFactorsByRankAndLayerAndTakesTheLargestOfAllRanks() {
        ScalingFactors factors = parse(CACHE_OF_TWO_RANKS);
        assertThat(factors.modelType()).contains("llama");
        assertThat(factors.sections()).containsOnlyKeys(Section.KV_CACHE);
        KvCacheScales cache = factors.kvCache(2);
        assertThat(cache.byLayer().values())
                .containsExactly(
                        new KvCacheScales.Layer(List.of(0.0230f), List.of(0.0230f)),
                        new KvCacheScales.Layer(List.of(0.0303f), List.of(0.0303f)));
    }

    @Test
    void readsActivationsAndWeightsByLayerOrByModule() {
        ScalingFactors factors = parse("{\"activation\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":"
                + "{\"0\":{\"0\":0.5,\"1\":0.25}}},\"weights\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":"
                + "{\"0\":{\"0\":{\"mlp.up_proj\":0.125}}}}}");
        assertThat(factors.sections().get(Section.ACTIVATION))
                .isEqualTo(Map.of(new Place(0, 0, ""), 0.5f, new Place(0, 1, ""), 0.25f));
        assertThat(factors.sections().get(Section.WEIGHTS)).isEqualTo(Map.of(new Place(0, 0, "mlp.up_proj"), 0.125f));
        assertThat(ScalingFactors.parse(factors.toJson())).isEqualTo(factors);
    }

    private static final Quantization PER_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
    private static final GivenWeight WEIGHT = GivenWeight.random(2, 2, PER_TENSOR, 1);
    private static final String MODULE = "model.layers.0.mlp.up_proj";

    private Path checkpoint() throws IOException {
        var layers = new TreeMap<>(Map.of(0, new KvCacheScales.Layer(List.of(0.03f), List.of(0.0425f))));
        var numbers = new StoredNumbers(
                PER_TENSOR,
                Optional.of(PER_TENSOR),
                List.of("lm_head"),
                Optional.of(new KvCacheScales(PER_TENSOR, layers)),
                DType.F32,
                false);
        var linear =
                new QuantizedLinear(MODULE, WEIGHT, Optional.of(PER_TENSOR), Optional.of(InputScale.symmetric(0.75f)));
        return new LayoutFixture(Layout.FP8, numbers, linear)
                .config("{\"model_type\": \"llama\", \"num_hidden_layers\": 1}")
                .write(folder);
    }

    @Test
    void exportsWhatACheckpointStores() throws IOException {
        Path written = checkpoint();
        try (Checkpoint checkpoint = Checkpoint.open(written)) {
            ScalingFactors factors = ScalingFactors.of(checkpoint);
            assertThat(factors.modelType()).contains("llama");
            // Of a layer's two scales the larger one, as loaders merged them.
            assertThat(factors.kvCache(1).byLayer())
                    .containsExactly(Map.entry(0, new KvCacheScales.Layer(List.of(0.0425f), List.of(0.0425f))));
            assertThat(factors.sections().get(Section.ACTIVATION))
                    .isEqualTo(Map.of(new Place(0, 0, "mlp.up_proj"), 0.75f));
            assertThat(factors.sections().get(Section.WEIGHTS))
                    .isEqualTo(Map.of(new Place(0, 0, "mlp.up_proj"), WEIGHT.scales()[0]));
            assertThat(new String(factors.toJson(), StandardCharsets.UTF_8))
                    .contains("\"kv_cache\"", "\"float8_e4m3fn\"", "\"scaling_factor\"");
            assertThat(ScalingFactors.parse(factors.toJson())).isEqualTo(factors);
        }
    }

    @Test
    void putsFactorsInPlaceOfACheckpointsOwn() throws IOException {
        ScalingFactors factors = parse("{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":"
                + "{\"0\":{\"0\":0.5}}},\"activation\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":"
                + "{\"0\":{\"0\":{\"mlp.up_proj\":0.25}},\"1\":{\"0\":0.125}}}}");
        try (Checkpoint checkpoint = Checkpoint.open(checkpoint())) {
            QuantizedModules changed = factors.into(QuantizedLayouts.read(checkpoint), 1);
            assertThat(changed.kvCache().orElseThrow().byLayer())
                    .isEqualTo(Map.of(0, new KvCacheScales.Layer(List.of(0.5f), List.of(0.5f))));
            assertThat(changed.find(MODULE).orElseThrow().inputScale()).contains(InputScale.symmetric(0.25f));
        }
    }

    @Test
    void refusesAWeightsFactorThatIsNotTheStoredScale() throws IOException {
        ScalingFactors factors = parse("{\"weights\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":"
                + "{\"0\":{\"0\":{\"mlp.up_proj\":77}}}}}");
        try (Checkpoint checkpoint = Checkpoint.open(checkpoint())) {
            QuantizedModules modules = QuantizedLayouts.read(checkpoint);
            assertThatThrownBy(() -> factors.into(modules, 1)).hasMessageContaining("is stored with scale");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nonsense|no JSON object",
                "{}|no section kv_cache, activation or weights",
                "{\"kv_cache\":{\"dtype\":\"float8_e5m2\",\"scaling_factor\":{}}}|allowed: float8_e4m3fn",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{}}}|numbered from 0 without gaps",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"1\":{\"0\":1}}}}|without gaps",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"1\":1}}}}|without gaps",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"x\":{\"0\":1}}}}|has a member x",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"00\":1}}}}|has a member 00",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":0}}}}|positive and finite",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":-1}}}}|positive and finite",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":1e99}}}}|positive and finite",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":{}}}}}|positive and finite",
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":1},\"1\":{\"0\":1,\"1\":1}}}}"
                        + "|rank 1 has 2 layers, rank 0 has 1"
            })
    void refusesMalformedFiles(String json, String message) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.SCALING_FACTORS_INVALID))
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({"1", "3"})
    void refusesFactorsOfAnotherModel(int layers) {
        assertThatThrownBy(() -> parse(CACHE_OF_TWO_RANKS).kvCache(layers))
                .hasMessage("kv_cache has factors of 2 layers, the model has " + layers);
    }

    private static ScalingFactors parse(String json) {
        return ScalingFactors.parse(json.getBytes(StandardCharsets.UTF_8));
    }
}
