package io.octavo.engine;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What llm-compressor 0.13.1.dev37 (commit ab1ba3ef) with compressed-tensors 0.18.1a2 and torch 2.13 saved for books-5m.
 *
 * <p>Its files are too large to keep: kept are its quantization configs, the SHA-256 of every tensor, and the numbers that
 * it measured on data. The tensors themselves are computed anew by {@link ReferenceTool}, and what does not have the digest
 * that the reference tool's tensor had is refused; so a fault in that twin cannot hide one in Octavo.
 */
public final class GoldenCheckpoints {

    private static final Map<String, Path> WRITTEN = new ConcurrentHashMap<>();

    private GoldenCheckpoints() {}

    public static List<String> names() {
        return List.of(
                "fp8-dynamic",
                "fp8-static-kv",
                "mxfp4",
                "nvfp4",
                "w4a16-asym-rtn",
                "w4a16-rtn",
                "w8a16-rtn",
                "w8a8-dynamic-rtn",
                "w8a8-static-rtn");
    }

    /** Quantization config, and by tensor {@code dtype}, {@code shape}, {@code sha256} and, if measured, {@code value}. */
    public static JsonNode manifest(String name) {
        return JsonMapper.shared().readTree(manifestFile(name).toFile());
    }

    public static Path manifestFile(String name) {
        return TestModels.repository()
                .resolve("engine/src/test/resources/io/octavo/engine/quantize/golden/" + name + ".json");
    }

    /** A folder with config.json and model.safetensors, tensor by tensor the bytes of the reference tool. Not to be changed. */
    public static Path of(String name) {
        return WRITTEN.computeIfAbsent(name, GoldenCheckpoints::write);
    }

    private static Path write(String name) {
        JsonNode manifest = manifest(name);
        try (Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            Path folder = Files.createTempDirectory("octavo-golden");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
            ObjectNode config = source.config().tree().deepCopy().asObject();
            config.set("quantization_config", manifest.path("quantization_config"));
            var fixture = new CheckpointFixture().config(config.toString());
            var tool = new ReferenceTool(source, manifest);
            manifest.path("tensors").forEachEntry((tensor, expected) -> {
                byte[] bytes = tool.bytes(tensor);
                if (!sha256(bytes).equals(expected.path("sha256").stringValue())) {
                    throw new AssertionError(name + ": the twin's " + tensor + " is not the reference tool's");
                }
                List<Long> shape = expected.path("shape")
                        .valueStream()
                        .map(JsonNode::longValue)
                        .toList();
                fixture.with(tensor, DType.valueOf(expected.path("dtype").stringValue()), shape, bytes);
            });
            return fixture.write(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try {
            Files.deleteIfExists(folder.resolve("model.safetensors"));
            Files.deleteIfExists(folder.resolve("config.json"));
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            System.err.println("left behind: " + folder + ": " + e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
