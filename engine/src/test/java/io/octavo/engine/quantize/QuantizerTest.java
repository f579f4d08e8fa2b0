package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.artifact.FileDigest;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {

    private static final String WEIGHT = "model.layers.0.mlp.up_proj.weight";

    @TempDir
    Path folder;

    private final Backend backend = Backends.cpu(2);

    @AfterEach
    void closeBackend() {
        backend.close();
    }

    @Test
    void reportsWhatItWrote() throws IOException, NoSuchAlgorithmException {
        var monitor = RecordingMonitor.patient();
        QuantizationResult result = new Quantizer(backend, 2).quantize(request(TestModels.books5m()), monitor);

        assertThat(result.label()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(result.quantizedModules()).isEqualTo(28);
        // 16 bits of scale for a row of 256, 512 or 704 weights.
        assertThat(result.weightBits()).isCloseTo(8.05, within(0.01));
        assertThat(result.inputBytes()).isEqualTo(10_097_152);
        assertThat(result.outputBytes()).isEqualTo(7_167_488);
        assertThat(result.verification().passed()).isTrue();
        assertThat(result.verification().failures()).isEmpty();
        assertThat(result.verification().untouchedTensors()).isEqualTo(10);
        assertThat(result.verification().modules()).hasSize(28).allSatisfy(error -> {
            assertThat(error.relativeError()).isBetween(0.02, 0.03);
            assertThat(error.signalToNoiseDb()).isCloseTo(-20 * Math.log10(error.relativeError()), within(1e-9));
        });
        assertThat(monitor.phases).containsExactly("plan", "quantize", "verify", "publish");
        assertThat(monitor.fractions).isSorted();
        assertThat(monitor.fractions.getLast()).isEqualTo(1);

        for (HashedFile file : result.files()) {
            byte[] bytes = Files.readAllBytes(folder.resolve("out").resolve(file.path()));
            assertThat(file.size()).isEqualTo(bytes.length);
            assertThat(file.sha256())
                    .isEqualTo(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        }
        assertThat(visibleFiles(folder)).containsExactly("out");
    }

    @Test
    void copiesSideFilesByteForByte() throws IOException {
        QuantizationResult result = quantize(TestModels.books5m());
        List<String> expected;
        try (Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            expected = source.sideFiles().stream().map(Path::toString).toList();
        }
        for (String name : expected) {
            assertThat(folder.resolve("out").resolve(name))
                    .hasSameBinaryContentAs(TestModels.books5m().resolve(name));
        }
        assertThat(result.files().stream().map(HashedFile::path))
                .containsAll(expected)
                .contains("config.json", "model.safetensors", "octavo.json")
                .hasSize(expected.size() + 3);
    }

    @Test
    void recordsWhereTheArtifactComesFrom() {
        quantize(TestModels.books5m());
        var provenance = ConfigJson.read(folder.resolve("out/octavo.json")).tree();
        assertThat(provenance.at("/engine/name").stringValue()).isEqualTo("octavo");
        assertThat(provenance.at("/engine/version").stringValue()).matches("[0-9]+\\..*");
        assertThat(provenance.at("/divisor").doubleValue()).isEqualTo(448);
        assertThat(provenance
                        .at("/source/files")
                        .valueStream()
                        .map(file -> file.path("path").stringValue()))
                .contains("model.safetensors", "config.json", "tokenizer.json");
        assertThat(provenance.at("/verification/modules").size()).isEqualTo(28);
    }

    @Test
    void recordsWhatIsKnownOfTheSourceInsteadOfHashingIt() throws IOException {
        Path source = TestModels.books5m();
        var known = List.of(
                new HashedFile("model.safetensors", Files.size(source.resolve("model.safetensors")), "0a".repeat(32)),
                new HashedFile("tokenizer.json", Files.size(source.resolve("tokenizer.json")), "0b".repeat(32)),
                new HashedFile("elsewhere.bin", 3, "0c".repeat(32)));
        for (int threads : List.of(2, 16)) {
            Path target = folder.resolve("known-" + threads);
            new Quantizer(backend, threads)
                    .quantize(
                            new QuantizationRequest(
                                            source,
                                            target,
                                            new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()))
                                    .withKnown(known),
                            JobMonitor.none());
            var hashes = new TreeMap<String, String>();
            ConfigJson.read(target.resolve("octavo.json"))
                    .tree()
                    .at("/source/files")
                    .forEach(file -> hashes.put(
                            file.path("path").stringValue(), file.path("sha256").stringValue()));
            assertThat(hashes)
                    .containsEntry("model.safetensors", "0a".repeat(32))
                    .containsEntry("tokenizer.json", "0b".repeat(32))
                    .containsEntry(
                            "config.json",
                            FileDigest.of(source.resolve("config.json"), Path.of("c"))
                                    .sha256())
                    .doesNotContainKey("elsewhere.bin");
        }
    }

    @Test
    void refusesASourceThatChangedSinceItWasHashed() throws IOException {
        Path source = TestModels.books5m();
        long size = Files.size(source.resolve("tokenizer.json"));
        QuantizationRequest request =
                request(source).withKnown(List.of(new HashedFile("tokenizer.json", size + 1, "0b".repeat(32))));
        assertThatThrownBy(() -> new Quantizer(backend, 2).quantize(request, JobMonitor.none()))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IO_FAILED))
                .hasMessage("tokenizer.json has %d bytes, and had %d when it was hashed", size, size + 1);
        assertThat(visibleFiles(folder)).isEmpty();
    }

    @Test
    void givesTheSameBytesForAnyThreadsAndChunks() throws IOException {
        Map<String, byte[]> expected = filesOf(new Quantizer(backend, 2), "two");
        try (Backend single = Backends.cpu(1);
                Backend scalar = Backends.scalar()) {
            assertSameFiles(filesOf(new Quantizer(backend, 2), "again"), expected);
            assertSameFiles(filesOf(new Quantizer(single, 1), "one"), expected);
            assertSameFiles(filesOf(new Quantizer(scalar, 1), "scalar"), expected);
            assertSameFiles(filesOf(new Quantizer(backend, 2, Long.MAX_VALUE, 1000), "rows"), expected);
            assertSameFiles(filesOf(new Quantizer(backend, 16), "threads"), expected);
        }
    }

    @Test
    void lanesShareOutSeveralFiles() throws IOException {
        Map<String, byte[]> expected = filesOf(new Quantizer(backend, 2, 600_000, 50_000), "one-thread");
        assertThat(expected).hasSizeGreaterThan(8);
        for (int run = 0; run < 3; run++) {
            assertSameFiles(filesOf(new Quantizer(backend, 16, 600_000, 50_000), "threads-" + run), expected);
        }
    }

    private Map<String, byte[]> filesOf(Quantizer quantizer, String name) throws IOException {
        Path target = folder.resolve(name);
        quantizer.quantize(
                new QuantizationRequest(
                        TestModels.books5m(), target, new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of())),
                JobMonitor.none());
        var files = new TreeMap<String, byte[]>();
        try (Stream<Path> paths = Files.list(target)) {
            for (Path path : paths.toList()) {
                files.put(path.getFileName().toString(), Files.readAllBytes(path));
            }
        }
        return files;
    }

    private static void assertSameFiles(Map<String, byte[]> actual, Map<String, byte[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(expected.get(name)));
    }

    @Test
    void writesShardsAndAnIndex() {
        var quantizer = new Quantizer(backend, 2, 1_000_000, 100_000);
        QuantizationResult result = quantizer.quantize(request(TestModels.books5m()), JobMonitor.none());
        try (Checkpoint artifact = Checkpoint.open(folder.resolve("out"))) {
            assertThat(artifact.shards()).hasSizeGreaterThan(3);
            assertThat(artifact.shards().getFirst().path().getFileName().toString())
                    .isEqualTo("model-00001-of-%05d.safetensors"
                            .formatted(artifact.shards().size()));
            assertThat(artifact.names()).hasSize(38 + 28);
            for (var shard : artifact.shards()) {
                boolean fits = shard.header().dataBytes() <= 1_000_000;
                assertThat(fits || shard.header().tensors().size() == 1).isTrue();
            }
        }
        var index = ConfigJson.read(folder.resolve("out/model.safetensors.index.json"))
                .tree();
        assertThat(index.at("/metadata/total_size").longValue()).isEqualTo(result.outputBytes());
    }

    @Test
    void readsManyShards() {
        QuantizationResult result = quantize(TestModels.shared("models/books-28m"));
        assertThat(result.quantizedModules()).isEqualTo(56);
        assertThat(folder.resolve("out/model.safetensors")).exists();
        assertThat(folder.resolve("out/model.safetensors.index.json")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gemma2",
                "gemma3",
                "llama3-rope",
                "mistral",
                "mixtral",
                "olmo2",
                "phi3",
                "qwen2",
                "qwen3",
                "qwen3-moe"
            })
    void quantizesEveryArchitecture(String name) throws IOException {
        QuantizationResult result = quantize(GeneratedModel.write(name, folder.resolve("source")));
        assertThat(result.verification().passed()).isTrue();
        try (Checkpoint artifact = Checkpoint.open(folder.resolve("out"))) {
            List<String> ignore = artifact.config()
                    .tree()
                    .at("/quantization_config/ignore")
                    .valueStream()
                    .map(module -> module.stringValue())
                    .toList();
            List<String> routers = artifact.names().stream()
                    .filter(tensor -> tensor.endsWith(".gate.weight"))
                    .toList();
            // Mixtral's are called otherwise by transformers.
            int spellings = name.equals("mixtral") ? 2 : 1;
            assertThat(ignore).contains("lm_head").hasSize(1 + spellings * routers.size());
            assertThat(routers.isEmpty()).isEqualTo(!name.contains("moe") && !name.equals("mixtral"));
            assertThat(artifact.names())
                    .anyMatch(
                            tensor -> tensor.endsWith("down_proj.weight_scale") || tensor.endsWith("w2.weight_scale"));
        }
    }

    @Test
    void keepsTheNumberTypeInItsScalesButForF16ThatHoldsNoSmallOnes() throws IOException {
        ByteBuffer f32 = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        f32.putFloat(448).putFloat(-1).putFloat(0).putFloat(0);
        Path source = new CheckpointFixture()
                .with(WEIGHT, DType.F32, List.of(2L, 2L), f32.array())
                .with("model.layers.0.mlp.down_proj.weight", DType.F16, List.of(1L, 1L), (byte) 0, (byte) 0x3C)
                .write(folder.resolve("source"));
        quantize(source);
        try (Checkpoint artifact = Checkpoint.open(folder.resolve("out"))) {
            var scale = artifact.tensor(WEIGHT + "_scale");
            assertThat(scale.dtype()).isEqualTo(DType.F32);
            var floats = scale.segment().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED);
            // A row of zeros gets the machine epsilon, never zero.
            assertThat(floats).containsExactly(1f, Math.ulp(1f));
            assertThat(artifact.tensor("model.layers.0.mlp.down_proj.weight_scale")
                            .dtype())
                    .isEqualTo(DType.F32);
        }
    }

    @Test
    void refusesWeightsThatAreNotFinite() throws IOException {
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            Path source = new CheckpointFixture()
                    .withBf16(WEIGHT, List.of(2L, 2L), 1, 2, bad, 4)
                    .write(folder.resolve("source"));
            assertThatThrownBy(() -> quantize(source))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.TENSOR_NOT_FINITE))
                    .hasMessage("tensor " + WEIGHT + " holds NaN or infinity at element 2");
            assertNothingLeft();
        }
    }

    @Test
    void refusesTensorsThatAreNotFiniteWhereTheyAreKept() throws IOException {
        Path source = new CheckpointFixture()
                .withBf16(WEIGHT, List.of(1L, 2L), 1, 2)
                .withBf16("lm_head.weight", List.of(1L, 2L), Float.NaN, 2)
                .write(folder.resolve("source"));
        assertThatThrownBy(() -> quantize(source))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENSOR_NOT_FINITE))
                .hasMessageContaining("lm_head.weight");
        assertNothingLeft();
    }

    @ParameterizedTest
    @ValueSource(strings = {"plan", "quantize", "verify", "publish"})
    void leavesNothingBehindWhenCancelledInAnyPhase(String phase) throws IOException {
        assertLeavesNothingBehind(RecordingMonitor.cancellingIn(phase));
    }

    /** Pieces are small, so that the work stops in the middle of a tensor, a shard and a module's verification. */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.25, 0.5, 0.75, 0.9})
    void leavesNothingBehindWhenCancelledAfterAnyShareOfTheWork(double share) throws IOException {
        assertLeavesNothingBehind(RecordingMonitor.cancellingAfter(share));
    }

    private void assertLeavesNothingBehind(RecordingMonitor monitor) throws IOException {
        var quantizer = new Quantizer(backend, 2, 1_000_000, 50_000);
        assertThatThrownBy(() -> quantizer.quantize(request(TestModels.books5m()), monitor))
                .isInstanceOf(JobCancelledException.class);
        assertNothingLeft();
    }

    @Test
    void stopsWhenItsThreadIsInterrupted() throws IOException {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> quantize(TestModels.books5m())).isInstanceOf(JobCancelledException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertNothingLeft();
    }

    @Test
    void fillsAnEmptyTargetAndRefusesAnyOther() throws IOException {
        Files.createDirectories(folder.resolve("out"));
        quantize(TestModels.books5m());
        assertThat(codeOf(request(TestModels.books5m()))).isEqualTo(ErrorCode.TARGET_NOT_EMPTY);
        var file = new QuantizationRequest(
                TestModels.books5m(),
                folder.resolve("out/config.json"),
                new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
        assertThat(codeOf(file)).isEqualTo(ErrorCode.TARGET_NOT_EMPTY);
    }

    @Test
    void refusesItsOwnOutput() {
        quantize(TestModels.books5m());
        var again = new QuantizationRequest(
                folder.resolve("out"),
                folder.resolve("again"),
                new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
        assertThat(codeOf(again)).isEqualTo(ErrorCode.ALREADY_QUANTIZED);
    }

    @Test
    void refusesUnknownSchemesAndLayouts() {
        Path out = folder.resolve("out");
        assertThat(codeOf(new QuantizationRequest(
                        TestModels.books5m(), out, new Recipe("FP9", CompressedTensors.NAME, List.of()))))
                .isEqualTo(ErrorCode.SCHEME_UNKNOWN);
        assertThat(codeOf(new QuantizationRequest(
                        TestModels.books5m(), out, new Recipe("FP8_DYNAMIC", "gguf", List.of()))))
                .isEqualTo(ErrorCode.LAYOUT_UNKNOWN);
    }

    @Test
    void refusesToStartWhereTheDiskIsTooSmall() throws IOException {
        long side = 1L << 20;
        long bytes = side * side * 2;
        String header = "{\"%s\":{\"dtype\":\"BF16\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}"
                .formatted(WEIGHT, side, side, bytes);
        Path source = new CheckpointFixture().write(folder.resolve("source"));
        try (var sparse =
                new RandomAccessFile(source.resolve("model.safetensors").toFile(), "rw")) {
            sparse.setLength(0);
            ByteBuffer length =
                    ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length());
            sparse.write(length.array());
            sparse.write(header.getBytes(StandardCharsets.US_ASCII));
            sparse.setLength(sparse.length() + bytes);
        }
        assertThat(codeOf(request(source))).isEqualTo(ErrorCode.DISK_FULL);
        assertNothingLeft();
    }

    private QuantizationResult quantize(Path source) {
        return new Quantizer(backend, 2).quantize(request(source), JobMonitor.none());
    }

    private QuantizationRequest request(Path source) {
        return new QuantizationRequest(
                source, folder.resolve("out"), new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
    }

    private ErrorCode codeOf(QuantizationRequest request) {
        return catchThrowableOfType(
                        QuantizationException.class,
                        () -> new Quantizer(backend, 2).quantize(request, JobMonitor.none()))
                .code();
    }

    private void assertNothingLeft() throws IOException {
        assertThat(visibleFiles(folder)).isSubsetOf("source");
    }

    private static List<String> visibleFiles(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
