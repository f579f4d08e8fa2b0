package io.octavo.engine.label;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.scheme.Scheme;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class VllmServingTest {

    private static Label label(String config) {
        return Label.of(ConfigJson.parse(config.getBytes(StandardCharsets.UTF_8)));
    }

    private static Label withCache(String type) {
        return label("""
                {"quantization_config":
                {"quant_method": "compressed-tensors", "format": "float-quantized",
                 "quantization_status": "compressed", "ignore": ["lm_head"],
                 "kv_cache_scheme": {"num_bits": 8, "type": "%s", "strategy": "tensor", "symmetric": true,
                  "dynamic": false},
                 "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float",
                  "strategy": "channel", "symmetric": true, "dynamic": false}}}}}
                """.formatted(type));
    }

    private static Label of(String scheme) {
        return Label.of(ConfigJson.parse("{}".getBytes(StandardCharsets.UTF_8))
                .withQuantizationConfig(CompressedTensors.config(Scheme.named(scheme), List.of("lm_head"))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "float | vllm serve ./m --kv-cache-dtype fp8",
                "int |",
            })
    void tellsOfScalesOfKeysAndValues(String type, @Nullable String command) {
        VllmServing serving = VllmServing.of(withCache(type), "./m", 1);
        assertThat(serving.command()).isEqualTo(command);
        if (command == null) {
            assertThat(serving.manifest()).isNull();
            assertThat(serving.advice())
                    .containsExactly("vLLM does not load it: the scales of its KV cache are of type INT8, and it takes"
                            + " FP8 alone");
        } else {
            assertThat(serving.manifest())
                    .contains("args: [\"/models/m\", \"--served-model-name\", \"m\", \"--kv-cache-dtype\", \"fp8\"]");
        }
    }

    @Test
    void findsTheRestInTheConfig() throws IOException {
        for (JsonNode row : LabelTest.table()) {
            Label label = label("{\"quantization_config\":" + row.path("config") + "}");
            boolean loads = label.executions().isEmpty()
                    ? label.groups().isEmpty() && !label.text().startsWith("unknown")
                    : label.executions().stream().anyMatch(Execution::loads);
            if (label.kvCache().isEmpty()) {
                VllmServing serving = VllmServing.of(label, "m", 1);
                assertThat(serving.command()).as(label.text()).isEqualTo(loads ? "vllm serve m" : null);
                assertThat(serving.manifest() != null).isEqualTo(loads);
                assertThat(serving.advice().stream().anyMatch(advice -> advice.startsWith("vLLM does not load it: ")))
                        .isEqualTo(!loads);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "W4A16, true",
        "W4A16_ASYM, true",
        "NVFP4A16, true",
        "FP8_DYNAMIC, false",
        "W8A16, false",
        "NVFP4, false"
    })
    void saysWhereFourBitsAreSlowerThanSixteen(String scheme, boolean slower) {
        assertThat(VllmServing.of(of(scheme), "m", 1).advice().stream()
                        .anyMatch(advice -> advice.contains("on Hopper") && advice.contains("by vLLM slower")))
                .isEqualTo(slower);
    }

    @Test
    void quotesWhatAShellAndYamlWouldTakeForMore() {
        VllmServing serving = VllmServing.of(of("FP8_DYNAMIC"), "/data/it's \"mine\": {x}", 2_500_000_000L);
        assertThat(serving.command()).isEqualTo("vllm serve '/data/it'\\''s \"mine\": {x}'");
        assertThat(serving.manifest())
                .contains(
                        "the files of the checkpoint, 2.5 GB, in the folder \"it's \\\"mine\\\": {x}\".",
                        "args: [\"/models/it's \\\"mine\\\": {x}\", \"--served-model-name\"",
                        "\n  name: it-s-mine-x\n",
                        "matchLabels: {app: it-s-mine-x}");
    }

    @ParameterizedTest
    @CsvSource({
        "./books-5m-FP8-Dynamic/, books-5m-fp8-dynamic",
        "7B, model-7b",
        "., model",
        "a.b_C, a-b-c",
        "long-name-of-a-model-that-goes-on-and-on-for-more-than-sixty-characters-at-all, "
                + "long-name-of-a-model-that-goes-on-and-on-for-more-than-sixty-ch"
    })
    void namesAreThoseThatKubernetesTakes(String folder, String name) {
        assertThat(VllmServing.of(of("FP8_DYNAMIC"), folder, 1).manifest()).contains("\n  name: " + name + "\n");
        assertThat(name).matches("[a-z]([-a-z0-9]{0,61}[a-z0-9])?");
    }

    @Test
    void picksNodesWhoseGpusRunIt() {
        assertThat(VllmServing.of(of("FP8_DYNAMIC"), "m", 1).manifest()).doesNotContain("affinity");
        assertThat(VllmServing.of(of("W4A16"), "m", 1).manifest()).doesNotContain("affinity");
        Label some = of("MXFP4");
        assertThat(some.executions().stream().map(Execution::loads)).contains(true, false);
        String manifest = VllmServing.of(some, "m", 1).manifest();
        assertThat(manifest).contains("""
                    spec:
                      affinity:
                        nodeAffinity:
                          requiredDuringSchedulingIgnoredDuringExecution:
                            nodeSelectorTerms:
                              - matchExpressions:
                                  - {key: nvidia.com/gpu.compute.major, operator: In, values: ["8"]}
                                  - {key: nvidia.com/gpu.compute.minor, operator: In, values: ["0"]}
                """.indent(0));
        assertThat(manifest).contains("values: [\"12\"]").doesNotContain("values: [\"7\"]");
    }
}
