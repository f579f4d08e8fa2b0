package io.octavo.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

    @TempDir
    Path temporary;

    private Path folder;

    @BeforeEach
    void createFolder() throws IOException {
        folder = Files.createDirectory(temporary.resolve("model"));
        Files.writeString(folder.resolve("config.json"), "{}");
    }

    @Test
    void opensOneFile() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            Tensor tensor = checkpoint.tensor("model.layers.3.mlp.down_proj.weight");
            assertThat(tensor.dtype()).isEqualTo(DType.BF16);
            assertThat(tensor.shape()).containsExactly(256L, 704L);
            assertThat(tensor.segment().byteSize()).isEqualTo(256 * 704 * 2);
            assertThat(checkpoint.find("lm_head.weight")).isEmpty();
            assertThat(checkpoint.config().architectures()).containsExactly("LlamaForCausalLM");
            assertThat(checkpoint.sideFiles())
                    .contains(Path.of("tokenizer.json"), Path.of("chat_template.jinja"))
                    .doesNotContain(Path.of("config.json"), Path.of("model.safetensors"));
        }
    }

    @Test
    void opensManyShards() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.shared("models/books-28m"))) {
            assertThat(checkpoint.shards()).hasSize(4);
            assertThat(checkpoint.names()).hasSize(74).contains("model.norm.weight");
            assertThat(checkpoint.sideFiles()).doesNotContain(Path.of("model.safetensors.index.json"));
        }
    }

    @Test
    void rejectsMissingTensor() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            assertThat(codeOf(() -> checkpoint.tensor("absent"))).isEqualTo(ErrorCode.CHECKPOINT_TENSOR_MISSING);
        }
    }

    @Test
    void rejectsMissingFolderConfigAndWeights() throws IOException {
        assertThat(codeOf(() -> open(folder.resolve("absent")))).isEqualTo(ErrorCode.CHECKPOINT_NOT_FOUND);
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_NOT_FOUND);
        Files.delete(folder.resolve("config.json"));
        shard("model.safetensors", "a");
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_NOT_FOUND);
    }

    @Test
    void rejectsIndexThatNamesAMissingShard() throws IOException {
        shard("one.safetensors", "a");
        index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_SHARD_MISSING);
    }

    /** Loaders read whatever the named shards hold. */
    @Test
    void findsWhatAnIndexPlacesInAnotherShard() throws IOException {
        shard("one.safetensors", "model.layers.0.mlp.up_proj.weight");
        shard("two.safetensors", "model.norm.weight");
        index("{\"weight_map\":{\"model.layers.0.mlp.up_proj.weight\":\"one.safetensors\","
                + "\"model.norm.weight\":\"one.safetensors\",\"mtp.fc.weight\":\"two.safetensors\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.names()).contains("model.norm.weight");
            assertThat(checkpoint.notes())
                    .anySatisfy(note -> assertThat(note)
                            .contains("model.norm.weight in one.safetensors", "it lies in two.safetensors"));
        }
    }

    /** transformers loads it, so it is no obstacle, but nobody is left in the dark. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "rotary_emb.inv_freq",
                "lm_head.weight",
                "mtp.fc.weight",
                "model.layers.7.mlp.up_proj.weight",
                "vision_tower.blocks.0.mlp.fc1.weight",
                "model.layers.0.extra.weight"
            })
    void passesOverWhatAnIndexNamesWithoutNeed(String name) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"tie_word_embeddings\": true, \"num_hidden_layers\": 2}");
        shard("one.safetensors", "model.layers.0.mlp.up_proj.weight");
        index("{\"weight_map\":{\"model.layers.0.mlp.up_proj.weight\":\"one.safetensors\",\"" + name
                + "\":\"one.safetensors\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.notes()).singleElement().asString().contains(name, "one.safetensors");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.layers.1.mlp.up_proj.weight",
                "model.layers.0.mlp.down_proj.weight",
                "model.norm.weight",
                "model.embed_tokens.weight",
                "lm_head.weight"
            })
    void refusesAnIndexThatNamesWhatIsNeededAndLacks(String name) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"num_hidden_layers\": 2}");
        shard("one.safetensors", "model.layers.0.mlp.up_proj.weight");
        index("{\"weight_map\":{\"model.layers.0.mlp.up_proj.weight\":\"one.safetensors\",\"" + name
                + "\":\"one.safetensors\"}}");
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_INDEX_INVALID);
    }

    /** As the Hub's cache does: {@code snapshots/REVISION} holds links into {@code blobs}. */
    @Test
    void followsLinksOfAFolderOnlyForItsOwnerWhoAsks() throws IOException {
        Path snapshot = Files.createDirectories(temporary.resolve("models--a--b/snapshots/1234"));
        Path blobs = Files.createDirectories(temporary.resolve("models--a--b/blobs"));
        shard("model.safetensors", "a");
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            if (name.equals("tokenizer.json")) {
                Files.writeString(folder.resolve(name), "{}");
            }
            Files.move(folder.resolve(name), blobs.resolve(name + "-sha"));
            Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/" + name + "-sha"));
        }
        assertThat(codeOf(() -> open(snapshot))).isEqualTo(ErrorCode.CHECKPOINT_FILE_UNSAFE);
        List<Path> found = Checkpoint.followingLinks(() -> {
            try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
                assertThat(checkpoint.names()).containsExactly("a");
                return checkpoint.sideFiles();
            }
        });
        assertThat(found).containsExactly(Path.of("tokenizer.json"));
        assertThat(codeOf(() -> open(snapshot))).isEqualTo(ErrorCode.CHECKPOINT_FILE_UNSAFE);
    }

    /** Loaders take one of them, which is no matter if they are alike. */
    @Test
    void takesATensorInTwoShardsOnlyIfItIsTheSame() throws IOException {
        index("{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"one.safetensors\"}}");
        shard(
                "two.safetensors",
                new CheckpointFixture()
                        .with("a", DType.I8, List.of(2L), new byte[2])
                        .with("b", DType.I8, List.of(1L), new byte[1]));
        shard("one.safetensors", new CheckpointFixture().with("a", DType.I8, List.of(2L), new byte[2]));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.notes())
                    .anySatisfy(note -> assertThat(note).contains("tensor a lies in both one.safetensors and two"));
        }
        shard("one.safetensors", new CheckpointFixture().with("a", DType.I8, List.of(2L), new byte[] {0, 1}));
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_INDEX_INVALID);
    }

    private void shard(String name, CheckpointFixture tensors) throws IOException {
        Path written = tensors.write(temporary.resolve("shard")).resolve("model.safetensors");
        Files.move(written, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    /** Loaders need none of these. */
    @Test
    void leavesOutWhatCannotBeReadAndSaysSo() throws IOException, InterruptedException {
        shard("model.safetensors", "a");
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        Files.writeString(folder.resolve("adapter_config.json"), "{}");
        Files.createSymbolicLink(folder.resolve("README.md"), Path.of("nowhere"));
        Files.createSymbolicLink(folder.resolve("circle.txt"), Path.of("circle.txt"));
        assertThat(new ProcessBuilder("mkfifo", folder.resolve("pipe.txt").toString())
                        .start()
                        .waitFor())
                .isZero();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.sideFiles()).containsExactly(Path.of("tokenizer.json"));
            assertThat(checkpoint.notes())
                    .containsExactly(
                            "file README.md is a link to nowhere, where no file is; it is left out",
                            "file adapter_config.json tells of an adapter, whose weights do not go along; it is left out",
                            "file circle.txt is a link to circle.txt, where no file is; it is left out",
                            "file pipe.txt is no regular file; it is left out");
        }
    }

    @Test
    void saysWhereALinkLeadsThatIsNeeded() throws IOException {
        Files.createSymbolicLink(folder.resolve("model.safetensors"), Path.of("../blobs/1234"));
        assertThatThrownBy(() -> open(folder))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECKPOINT_SHARD_MISSING))
                .hasMessageContaining("model.safetensors is a link to ../blobs/1234, where no file is");
    }

    @Test
    void rejectsShardNamesThatLeadElsewhere() throws IOException {
        shard("../outside.safetensors", "a");
        for (String name : new String[] {
            "../outside.safetensors", "/etc/x.safetensors", "..\\\\x.safetensors", ".x.safetensors", "x.bin", ""
        }) {
            index("{\"weight_map\":{\"a\":\"" + name + "\"}}");
            assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_INDEX_INVALID);
        }
    }

    @Test
    void rejectsIndexThatIsNoIndex() throws IOException {
        for (String index : new String[] {
            "",
            "[]",
            "{}",
            "{\"weight_map\":{}}",
            "{\"weight_map\":[]}",
            "{\"weight_map\":{\"a\":1}}",
            "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}",
            "{\"weight_map\":{\"a\":\"x.safetensors\"}} x"
        }) {
            index(index);
            assertThat(codeOf(() -> open(folder))).as(index).isEqualTo(ErrorCode.CHECKPOINT_INDEX_INVALID);
        }
    }

    @Test
    void rejectsLinksThatLeadOutOfTheFolder() throws IOException {
        shard("../outside.safetensors", "a");
        Files.createSymbolicLink(folder.resolve("model.safetensors"), temporary.resolve("outside.safetensors"));
        assertThat(codeOf(() -> open(folder))).isEqualTo(ErrorCode.CHECKPOINT_FILE_UNSAFE);

        Files.delete(folder.resolve("model.safetensors"));
        shard("model.safetensors", "a");
        Files.createSymbolicLink(folder.resolve("tokenizer.json"), temporary.resolve("outside.safetensors"));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(codeOf(checkpoint::sideFiles)).isEqualTo(ErrorCode.CHECKPOINT_FILE_UNSAFE);
        }
    }

    @Test
    void followsLinksThatStayInside() throws IOException {
        Files.createDirectory(folder.resolve("blobs"));
        shard("blobs/1234", "a");
        Files.createSymbolicLink(folder.resolve("one.safetensors"), Path.of("blobs/1234"));
        index("{\"weight_map\":{\"a\":\"one.safetensors\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.names()).containsExactly("a");
        }
    }

    @Test
    void listsSideFilesWithoutStaleWeightsAndHiddenFiles() throws IOException {
        shard("model.safetensors", "a");
        for (String name : new String[] {
            "tokenizer.json", "modeling_x.py", "LICENSE", "sub/vocab.txt", "sub/config.json",
            ".gitattributes", ".git/config", ".cache/x", "pytorch_model.bin", "pytorch_model.bin.index.json",
            "consolidated.00.pth", "model.gguf", "octavo.json", "old.safetensors"
        }) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name), "x");
        }
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.sideFiles().stream().map(Path::toString))
                    .containsExactly("LICENSE", "modeling_x.py", "sub/config.json", "sub/vocab.txt", "tokenizer.json");
        }
    }

    private void shard(String file, String tensor) throws IOException {
        byte[] header = ("{\"" + tensor + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")
                .getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[8 + header.length];
        bytes[0] = (byte) header.length;
        System.arraycopy(header, 0, bytes, 8, header.length);
        Files.write(folder.resolve(file), bytes);
    }

    private void index(String json) throws IOException {
        Files.writeString(folder.resolve("model.safetensors.index.json"), json);
    }

    private static void open(Path folder) {
        Checkpoint.open(folder).close();
    }

    private static ErrorCode codeOf(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(QuantizationException.class, call).code();
    }
}
