package io.octavo.cli.command;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a model is to be served, here or on a worker. Where null is told, whoever serves chooses. */
public final class ServingChoices {

    @Option(
            names = "--max-model-length",
            paramLabel = "N",
            description = "Most tokens of a prompt and its text together. Default: what the model was trained for.")
    private @Nullable Integer maxModelLength;

    @Option(names = "--max-sequences", paramLabel = "N", description = "Texts that are continued at once. Default: 64.")
    private @Nullable Integer maxSequences;

    @Option(
            names = "--kv-cache",
            paramLabel = "TYPE",
            description = "How keys and values are kept: auto (the default), f32, bf16, fp8 or int8.")
    private @Nullable String cacheType;

    @Option(
            names = "--kv-cache-mib",
            paramLabel = "N",
            description = "Memory for keys and values. Default: most of a GPU's free one, or a share of the process's.")
    private @Nullable Integer cacheMebibytes;

    @Option(
            names = "--quantize",
            paramLabel = "SCHEME",
            description = "Rounds weights while they are loaded: FP8_DYNAMIC, FP8_W8A16, W8A8 or W8A16_CHANNEL.")
    private @Nullable String scheme;

    public @Nullable Integer maxModelLength() {
        return maxModelLength;
    }

    public @Nullable Integer maxSequences() {
        return maxSequences;
    }

    public @Nullable String cacheType() {
        return cacheType;
    }

    public @Nullable Integer cacheMebibytes() {
        return cacheMebibytes;
    }

    public @Nullable String scheme() {
        return scheme;
    }
}
