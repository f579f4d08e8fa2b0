package io.octavo.engine.serve;

import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.Decoder;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.Transformer;
import io.octavo.engine.transformer.weight.WeightRounding;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Loads models to be served. */
public final class ServedModels {

    /** Tokens of a step: what keeps a device busy, and texts that go on not waiting for long. */
    private static final int HOST_BATCH_TOKENS = 256;

    private static final int DEVICE_BATCH_TOKENS = 2048;
    private static final double SHARE_OF_FREE_MEMORY = 0.9;

    /** Rows whose logits are computed at once, where few texts are continued: prompts are scored by it. */
    private static final int LEAST_LOGIT_ROWS = 16;

    private static final String GENERATION_CONFIG = "generation_config.json";

    private ServedModels() {}

    /**
     * Loads a checkpoint and begins to serve it.
     *
     * @param backend which nobody else uses meanwhile; closed with the model, or if this fails
     * @param monitor may stop it while weights are loaded
     * @throws QuantizationException as for evaluation; {@code out-of-memory} if the cache has no room for a page;
     *     {@code scheme-unsuitable} or {@code already-quantized} if weights are to be rounded and cannot be
     */
    public static ServedModel open(Backend backend, Path source, ServingOptions options, JobMonitor monitor) {
        return open(backend, source, options, monitor, runner -> runner);
    }

    /** The same on a backend that stays open; nobody else uses it until the model is closed. */
    public static ServedModel openOn(Backend backend, Path source, ServingOptions options, JobMonitor monitor) {
        return open(backend, source, options, monitor, runner -> runner, new ArrayDeque<>());
    }

    /** @param around what steps run through */
    static ServedModel open(
            Backend backend,
            Path source,
            ServingOptions options,
            JobMonitor monitor,
            UnaryOperator<StepRunner> around) {
        Deque<AutoCloseable> opened = new ArrayDeque<>();
        opened.push(backend);
        return open(backend, source, options, monitor, around, opened);
    }

    private static ServedModel open(
            Backend backend,
            Path source,
            ServingOptions options,
            JobMonitor monitor,
            UnaryOperator<StepRunner> around,
            Deque<AutoCloseable> opened) {
        try {
            return start(backend, source, options, monitor, around, opened);
        } catch (RuntimeException e) {
            closeAll(opened);
            throw e;
        }
    }

    private static ServedModel start(
            Backend backend,
            Path source,
            ServingOptions options,
            JobMonitor monitor,
            UnaryOperator<StepRunner> around,
            Deque<AutoCloseable> opened) {
        Checkpoint checkpoint = opening(Checkpoint.open(source), opened);
        Tokenizer vocabularyTokenizer = opening(Tokenizer.open(source), opened);
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        RunLimits limits = runLimits(backend, spec, options);
        WeightRounding rounding = options.scheme() == null ? null : WeightRounding.of(options.scheme());
        var loader = new ModelLoader(backend.batchInvariant(), checkpoint, spec);
        Transformer model = opening(loader.load(limits, rounding, monitor), opened);
        DType type = options.cacheType() == null ? model.defaultCacheType() : options.cacheType();
        int pages = pages(backend, spec, limits, type, options);
        KvCache cache = opening(model.newCacheOfPages(pages, type), opened);
        Decoder decoder = opening(model.newDecoder(cache), opened);
        var vocabulary = new Vocabulary(vocabularyTokenizer, spec.vocabularySize());
        var codec =
                opening(new TextCodec(Tokenizer.open(source), ChatTemplate.of(checkpoint), spec.bosTokenId()), opened);
        long cached = (long) pages * KvCacheLayout.PAGE_TOKENS;
        var parts = new Scheduler.Parts(
                new ServingLimits(
                        (int) Math.min(limits.contextTokens(), cached),
                        limits.contextTokens(),
                        spec.vocabularySize(),
                        options.maxSequences(),
                        pages,
                        KvCacheLayout.PAGE_TOKENS),
                ends(checkpoint, spec),
                limits.batchTokens(),
                codec,
                vocabulary,
                cache,
                around.apply(new TransformerRunner(model, cache, decoder, vocabulary)),
                () -> closeAll(opened));
        return Scheduler.start(parts, options);
    }

    /** Those of the config, and of what transformers generates by: chats often end with another token than texts. */
    private static List<Integer> ends(Checkpoint checkpoint, ModelSpec spec) {
        var ends = new LinkedHashSet<>(spec.eosTokenIds());
        checkpoint.sideConfig(GENERATION_CONFIG).ifPresent(config -> {
            JsonNode named = config.tree().path("eos_token_id");
            (named.isArray() ? named.valueStream() : Stream.of(named))
                    .filter(JsonNode::isInt)
                    .map(JsonNode::intValue)
                    .forEach(ends::add);
        });
        return List.copyOf(ends);
    }

    private static <T extends AutoCloseable> T opening(T resource, Deque<AutoCloseable> opened) {
        opened.push(resource);
        return resource;
    }

    private static void closeAll(Deque<AutoCloseable> opened) {
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                System.getLogger(ServedModels.class.getName()).log(System.Logger.Level.WARNING, "closing failed", e);
            }
        }
    }

    private static RunLimits runLimits(Backend backend, ModelSpec spec, ServingOptions options) {
        int context = options.maxModelLength() == null
                ? spec.maxPositions()
                : Math.min(options.maxModelLength(), spec.maxPositions());
        int usual = backend.freeMemoryBytes() > 0 ? DEVICE_BATCH_TOKENS : HOST_BATCH_TOKENS;
        int batchTokens =
                options.batchTokens() == null ? Math.max(usual, options.maxSequences()) : options.batchTokens();
        return new RunLimits(
                batchTokens, options.maxSequences(), context, Math.max(options.maxSequences(), LEAST_LOGIT_ROWS));
    }

    /** As the options say; else most of a device's memory, or a part of this process's share of the host's. */
    private static int pages(Backend backend, ModelSpec spec, RunLimits limits, DType type, ServingOptions options) {
        long pageBytes = KvCache.pageBytes(spec, type);
        long useful = Math.multiplyExact(
                (long) limits.batchSequences(), Math.ceilDiv(limits.contextTokens(), KvCacheLayout.PAGE_TOKENS));
        long free = backend.freeMemoryBytes();
        long pages;
        if (options.cacheBytes() != null) {
            pages = options.cacheBytes() / pageBytes;
        } else if (free > 0) {
            pages = (long) (free * SHARE_OF_FREE_MEMORY) / pageBytes;
        } else {
            pages = Math.min(useful, Runtime.getRuntime().maxMemory() / 4 / pageBytes);
        }
        if (pages < 1) {
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY,
                    "a page of the key-value cache takes " + pageBytes + " bytes, and there are "
                            + (options.cacheBytes() == null ? free * SHARE_OF_FREE_MEMORY : options.cacheBytes())
                            + " for all");
        }
        return (int) Math.min(pages, Integer.MAX_VALUE / KvCacheLayout.PAGE_TOKENS);
    }
}
