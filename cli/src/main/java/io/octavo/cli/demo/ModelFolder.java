package io.octavo.cli.demo;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What can be told from a checkpoint's folder before the service sees it. */
final class ModelFolder {

    private final Path folder;
    private final JsonNode config;

    private ModelFolder(Path folder, JsonNode config) {
        this.folder = folder;
        this.config = config;
    }

    /**
     * @throws UsageException if it is not a checkpoint's folder
     */
    static ModelFolder open(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new UsageException("--model: " + folder + " is not a folder");
        }
        Path config = folder.resolve("config.json");
        if (!Files.isRegularFile(config)) {
            throw new UsageException("--model: " + folder + " has no config.json");
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.noneMatch(file -> file.toString().endsWith(".safetensors"))) {
                throw new UsageException("--model: " + folder + " has no .safetensors file");
            }
        }
        try {
            return new ModelFolder(folder.toRealPath(), WireJson.parse(Files.readString(config)));
        } catch (JacksonException e) {
            throw new UsageException("--model: " + config + " is not JSON: " + e.getOriginalMessage());
        }
    }

    Path path() {
        return folder;
    }

    /** The folder's name, as a repository's name. */
    String name() {
        Path last = folder.getFileName();
        String name = last == null ? "model" : last.toString().replaceAll("[^A-Za-z0-9._-]+|\\.\\.+", "-");
        String trimmed = name.replaceFirst("^[^A-Za-z0-9]+", "");
        return trimmed.isEmpty() ? "model" : trimmed.substring(0, Math.min(trimmed.length(), 64));
    }

    /** Why the model cannot be scored, as far as its folder shows. */
    Optional<String> notScorable() {
        return Files.isRegularFile(folder.resolve("tokenizer.json"))
                ? Optional.empty()
                : Optional.of("the model has no tokenizer.json");
    }

    /** Bits of a stored weight. */
    OptionalInt weightBits() {
        String type = config.path("dtype").asString(config.path("torch_dtype").asString(""));
        return switch (type) {
            case "bfloat16", "float16" -> OptionalInt.of(16);
            case "float32" -> OptionalInt.of(32);
            default -> OptionalInt.empty();
        };
    }

    /** The longest window that the model can score, with one position kept for BOS. */
    int windowTokens(int wanted) {
        int positions = config.path("max_position_embeddings").asInt(wanted + 1);
        return Math.max(1, Math.min(wanted, positions - 1));
    }
}
