package io.octavo.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class MissingModulesTest {

    static Stream<String> models() throws IOException {
        Path golden = GeneratedModel.golden("llama").resolveSibling("");
        try (Stream<Path> folders = Files.list(golden)) {
            return folders
                    .filter(folder -> Files.exists(folder.resolve("tensors.txt")))
                    .map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    private static JsonNode config(String model) throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(GeneratedModel.golden(model).resolve("config.json")));
    }

    private static List<String> tensors(String model) throws IOException {
        return Files.readAllLines(GeneratedModel.golden(model).resolve("tensors.txt")).stream()
                .map(line -> line.substring(0, line.indexOf(' ')))
                .toList();
    }

    /** Every weight of every architecture that runs here is one that it needs, and nothing more is asked for. */
    @ParameterizedTest
    @MethodSource("models")
    void everyWeightOfAKnownModelIsNeeded(String model) throws IOException {
        JsonNode config = config(model);
        List<String> tensors = tensors(model);
        assertThat(new MissingModules(config, tensors).needed()).isEmpty();
        assertThat(new MissingModules(config, tensors).suspected()).isEmpty();
        boolean tied = Architectures.read(config).tiedEmbeddings();
        for (String lost : tensors) {
            if (lost.endsWith(".weight") && !(tied && lost.equals("lm_head.weight"))) {
                List<String> rest =
                        tensors.stream().filter(tensor -> !tensor.equals(lost)).toList();
                assertThat(new MissingModules(config, rest).needed())
                        .as(lost)
                        .hasValueSatisfying(what -> assertThat(what).contains("no " + lost));
            }
        }
    }

    @Test
    void aWholeLayerIsNeeded() throws IOException {
        List<String> rest = tensors("llama").stream()
                .filter(tensor -> !tensor.startsWith("model.layers.1."))
                .toList();
        var modules = new MissingModules(config("llama"), rest);
        assertThatThrownBy(modules::require)
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECKPOINT_TENSOR_MISSING))
                .hasMessageContaining("model.layers.1.input_layernorm.weight");
    }

    /** Whatever the layout, and where transformers 5 keeps all experts in one tensor. */
    @ParameterizedTest
    @CsvSource({"llama, .weight, .weight_packed", "llama, .weight, .qweight"})
    void modulesAreThereHoweverTheyAreStored(String model, String from, String to) throws IOException {
        List<String> tensors = tensors(model).stream()
                .map(tensor -> tensor.contains("_proj") ? tensor.replace(from, to) : tensor)
                .toList();
        assertThat(new MissingModules(config(model), tensors).needed()).isEmpty();
    }

    /** They are found without the prefix of the model, and with it twice. */
    @ParameterizedTest
    @CsvSource({"module.model., true", "_orig_mod.model., true", "'', false", "model.model., false", "model., false"})
    void toldIfNothingHasANameThatLoadersLookFor(String prefix, boolean told) throws IOException {
        List<String> tensors = tensors("llama").stream()
                .map(tensor -> tensor.startsWith("model.") ? prefix + tensor.substring("model.".length()) : tensor)
                .toList();
        assertThat(new MissingModules(config("llama"), tensors)
                        .suspected().stream().anyMatch(what -> what.contains("no tensor has a name")))
                .isEqualTo(told);
    }

    /** Forks call it otherwise, and what they call it is left alone as a head. */
    @Test
    void theHeadMayHaveAnotherName() throws IOException {
        List<String> tensors = tensors("llama").stream()
                .map(tensor -> tensor.equals("lm_head.weight") ? "output.weight" : tensor)
                .toList();
        assertThat(new MissingModules(config("llama"), tensors).needed()).isEmpty();
    }

    @Test
    void expertsMayLieInOneTensorOrInABlockOfAnotherName() {
        JsonNode config = JsonMapper.shared()
                .readTree("{\"architectures\": [\"MixtralForCausalLM\"], \"vocab_size\": 8, \"hidden_size\": 8,"
                        + " \"intermediate_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 1,"
                        + " \"num_key_value_heads\": 1, \"num_local_experts\": 2, \"num_experts_per_tok\": 1}");
        var tensors = new ArrayList<>(List.of("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"));
        Stream.of("input_layernorm", "post_attention_layernorm", "mlp.gate")
                .map(name -> "model.layers.0." + name + ".weight")
                .forEach(tensors::add);
        Stream.of("q", "k", "v", "o")
                .map(name -> "model.layers.0.self_attn." + name + "_proj.weight")
                .forEach(tensors::add);
        assertThat(new MissingModules(config, tensors).needed())
                .hasValueSatisfying(what -> assertThat(what).contains("block_sparse_moe.experts.0.w1"));
        tensors.add("model.layers.0.mlp.experts.gate_up_proj");
        tensors.add("model.layers.0.mlp.experts.down_proj");
        assertThat(new MissingModules(config, tensors).needed()).isEmpty();
    }

    private static List<String> layers(int count, String... modules) {
        return IntStream.range(0, count)
                .boxed()
                .flatMap(
                        layer -> Stream.of(modules).map(module -> "encoder.layers." + layer + "." + module + ".weight"))
                .toList();
    }

    private static List<String> suspected(String config, List<String> tensors) {
        return new MissingModules(JsonMapper.shared().readTree(config), tensors).suspected();
    }

    /** Nobody knows what an unknown architecture needs, but its layers tell of each other. */
    @Test
    void aLayerOfAnUnknownModelIsComparedWithTheOthers() {
        var tensors = new ArrayList<>(layers(5, "attn.q", "attn.k", "mlp.experts.0.up", "mlp.experts.1.up"));
        assertThat(suspected("{}", tensors)).isEmpty();
        tensors.remove("encoder.layers.3.attn.q.weight");
        tensors.remove("encoder.layers.2.mlp.experts.1.up.weight");
        assertThat(suspected("{}", tensors))
                .containsExactly(
                        "encoder.layers.3.attn has no q, which 4 others of its kind have",
                        "encoder.layers.2.mlp.experts has no 1, which 4 others of its kind have");
    }

    /** Layers of two kinds hold different modules, or their types are told by the config. */
    @Test
    void layersOfSeveralKindsAreNoHoles() {
        var mixed = new ArrayList<>(layers(6, "mlp.up"));
        for (int layer = 0; layer < 6; layer++) {
            mixed.add("encoder.layers." + layer + (layer % 3 == 2 ? ".attn.q" : ".mamba.in") + ".weight");
        }
        assertThat(suspected("{}", mixed)).isEmpty();
        var shared = new ArrayList<>(layers(6, "attn.q", "attn.k", "attn.v"));
        shared.remove("encoder.layers.5.attn.v.weight");
        assertThat(suspected("{}", shared)).hasSize(1);
        assertThat(suspected(
                        "{\"text_config\": {\"layer_types\": [\"a\", \"a\", \"a\", \"a\", \"a\", \"b\"]}}", shared))
                .isEmpty();
        assertThat(suspected("{}", List.of("a.0.x.weight", "a.1.y.weight", "b.0.weight")))
                .isEmpty();
    }
}
