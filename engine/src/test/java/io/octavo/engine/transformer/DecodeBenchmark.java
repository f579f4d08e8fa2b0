package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Sampling;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * How much of a decode step of a 13B model with 8-bit weights is spent on launching: {@code DecodeBenchmark FOLDER LAYERS
 * SCHEME GAP}, the last in microseconds. Makes a synthetic checkpoint in {@code FOLDER}, and decodes one sequence of 128 tokens further, operation by
 * operation and from a recording. Prints one JSON line a figure, for {@code kernels/gpu-check.sh}.
 *
 * <p>Launching takes what a step takes longer than its kernels run. Their time is that of a replay in a queue of replays, less
 * the time that the gap between two kernels of a recording takes; that gap is what a recording of empty kernels takes for one, which {@code benchmarks/peer_gap.py} measures.
 */
final class DecodeBenchmark {

    private static final int HIDDEN = 5120;
    private static final int FEED_FORWARD = 13824;
    private static final int VOCABULARY = 32000;
    private static final int PROMPT = 128;

    /** Steps that are submitted together, as generating does. */
    private static final int STEPS = 8;

    private static final int ROUNDS = 6;
    private static final int REPEATS = 40;
    private static final double MOST_OVERHEAD = 0.15;
    private static final long SHARD_BYTES = 4_000_000_000L;

    private final Transformer model;
    private final int[] prompt;

    private DecodeBenchmark(Transformer model) {
        this.model = model;
        this.prompt = new SplittableRandom(1).ints(PROMPT, 1, VOCABULARY).toArray();
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        int layers = Integer.parseInt(arguments[1]);
        Scheme scheme = Scheme.named(arguments[2]);
        double gapSeconds = Double.parseDouble(arguments[3]) / 1e6;
        synthesize(folder, layers, scheme);
        try (Backend backend = Backends.open("cuda", Runtime.getRuntime().availableProcessors());
                Checkpoint checkpoint = Checkpoint.open(folder)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            RunLimits limits = RunLimits.forGeneration(spec, PROMPT + ROUNDS * STEPS);
            try (Transformer model = new ModelLoader(backend, checkpoint, spec).load(limits)) {
                new DecodeBenchmark(model).run(scheme.name(), gapSeconds);
            }
        }
    }

    private record Run(List<Integer> tokens, double stepSeconds, int operations) {}

    private void run(String scheme, double gapSeconds) {
        Run single = decode(false);
        Run recorded = decode(true);
        double queued = queuedSeconds();
        double kernels = queued - recorded.operations * gapSeconds;
        double overhead = 1 - kernels / recorded.stepSeconds;
        String name = "13B decode, " + scheme + ", ";
        report(name + "operations of a step", recorded.operations, recorded.operations > 0);
        report(name + "us a gap", gapSeconds * 1e6, true);
        report(name + "ms a step, one by one", single.stepSeconds * 1e3, true);
        report(name + "ms a step, recorded", recorded.stepSeconds * 1e3, true);
        report(name + "ms a step, replays in a queue", queued * 1e3, true);
        report(name + "share of launching, one by one", 1 - kernels / single.stepSeconds, true);
        report(name + "share of launching, recorded", overhead, overhead < MOST_OVERHEAD);
        report(name + "same tokens", ROUNDS * STEPS, single.tokens.equals(recorded.tokens));
    }

    private Run decode(boolean records) {
        try (KvCache cache = model.newCache(1, model.limits().contextTokens());
                KvCache.Sequence sequence = cache.newSequence();
                Decoder decoder = model.newDecoder(cache)) {
            var tokens = new ArrayList<Integer>();
            double[] seconds = new double[ROUNDS];
            Continuation text = begin(sequence, cache, decoder);
            tokens.add(text.last());
            for (int round = 0; round < ROUNDS; round++) {
                int wanted = tokens.size() + STEPS;
                long start = System.nanoTime();
                while (tokens.size() < wanted) {
                    if (records) {
                        decoder.next(List.of(text), wanted - tokens.size()).forEach(next -> tokens.add(next[0]));
                    } else {
                        tokens.add(oneByOne(sequence, text, cache, decoder));
                    }
                }
                seconds[round] = (System.nanoTime() - start) / 1e9 / STEPS;
            }
            return new Run(tokens, median(seconds), decoder.recordedOperations());
        }
    }

    /** A text with its first token. */
    private Continuation begin(KvCache.Sequence sequence, KvCache cache, Decoder decoder) {
        var text = new Continuation(
                sequence,
                Sampling.Request.greedy(),
                IntStream.of(prompt).boxed().toList());
        pass(sequence, prompt, text, cache, decoder);
        return text;
    }

    private int oneByOne(KvCache.Sequence sequence, Continuation text, KvCache cache, Decoder decoder) {
        return pass(sequence, new int[] {text.last()}, text, cache, decoder);
    }

    private int pass(KvCache.Sequence sequence, int[] tokens, Continuation text, KvCache cache, Decoder decoder) {
        TokenBatch batch = new TokenBatch().add(sequence, tokens);
        Matrix hidden = model.forward(batch, cache);
        return decoder.first(model.logits(hidden, new int[] {batch.lastRow(0)}), List.of(text))[0];
    }

    /** Of a step whose successor is submitted before it has run. */
    private double queuedSeconds() {
        try (KvCache cache = model.newCache(1, model.limits().contextTokens());
                KvCache.Sequence sequence = cache.newSequence();
                Decoder decoder = model.newDecoder(cache)) {
            Continuation text = begin(sequence, cache, decoder);
            for (int i = 0; i < 3; i++) {
                decoder.next(List.of(text), 1);
            }
            double[] seconds = new double[ROUNDS];
            for (int i = 0; i < seconds.length; i++) {
                long start = System.nanoTime();
                decoder.repeat(REPEATS);
                seconds[i] = (System.nanoTime() - start) / 1e9 / REPEATS;
            }
            return median(seconds);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void synthesize(Path folder, int layers, Scheme scheme) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(ConfigJson.FILE_NAME), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "bfloat16", "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": 40, "num_key_value_heads": 40,
                 "vocab_size": %d, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
                 "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2,
                 "quantization_config": %s}
                """.formatted(
                HIDDEN, FEED_FORWARD, layers, VOCABULARY, CompressedTensors.config(scheme, List.of("lm_head"))));
        ShardPlan plan = ShardPlan.of(tensors(layers).stream().map(List::of).toList(), SHARD_BYTES);
        if (Files.exists(folder.resolve(plan.shards().getLast().fileName()))) {
            return;
        }
        for (ShardPlan.Shard shard : plan.shards()) {
            write(folder.resolve(shard.fileName()), shard.tensors());
        }
        if (plan.indexJson().isPresent()) {
            Files.write(
                    folder.resolve(ShardPlan.INDEX_FILE_NAME),
                    plan.indexJson().get().getBytes(StandardCharsets.UTF_8));
        }
    }

    private static List<TensorSpec> tensors(int layers) {
        var tensors = new ArrayList<TensorSpec>();
        tensors.add(new TensorSpec("model.embed_tokens.weight", DType.BF16, VOCABULARY, HIDDEN));
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            tensors.add(new TensorSpec(prefix + "input_layernorm.weight", DType.BF16, HIDDEN));
            for (String projection : List.of("q_proj", "k_proj", "v_proj", "o_proj")) {
                linear(tensors, prefix + "self_attn." + projection, HIDDEN, HIDDEN);
            }
            tensors.add(new TensorSpec(prefix + "post_attention_layernorm.weight", DType.BF16, HIDDEN));
            linear(tensors, prefix + "mlp.gate_proj", FEED_FORWARD, HIDDEN);
            linear(tensors, prefix + "mlp.up_proj", FEED_FORWARD, HIDDEN);
            linear(tensors, prefix + "mlp.down_proj", HIDDEN, FEED_FORWARD);
        }
        tensors.add(new TensorSpec("model.norm.weight", DType.BF16, HIDDEN));
        tensors.add(new TensorSpec("lm_head.weight", DType.BF16, VOCABULARY, HIDDEN));
        return tensors;
    }

    private static void linear(List<TensorSpec> tensors, String module, int outputs, int inputs) {
        tensors.add(new TensorSpec(module + ".weight", DType.F8_E4M3, outputs, inputs));
        tensors.add(new TensorSpec(module + ".weight_scale", DType.BF16, outputs, 1));
    }

    private static void write(Path file, List<TensorSpec> tensors) {
        var random = new SplittableRandom(42);
        ByteBuffer codes = ByteBuffer.allocateDirect(1 << 24);
        while (codes.hasRemaining()) {
            // Every code but those of NaN, of either sign.
            codes.put((byte) (random.nextInt(0x7F) | random.nextInt(2) << 7));
        }
        ByteBuffer numbers = ByteBuffer.allocateDirect(1 << 24).order(ByteOrder.LITTLE_ENDIAN);
        while (numbers.hasRemaining()) {
            numbers.putShort(BFloat16.fromFloat((float) (random.nextGaussian() * 0.02)));
        }
        ByteBuffer scales = ByteBuffer.allocateDirect(2 * FEED_FORWARD).order(ByteOrder.LITTLE_ENDIAN);
        while (scales.hasRemaining()) {
            scales.putShort(BFloat16.fromFloat(2e-4f));
        }
        try (var writer = SafetensorsWriter.create(file, tensors)) {
            for (TensorSpec tensor : tensors) {
                ByteBuffer values =
                        tensor.dtype() == DType.F8_E4M3 ? codes : tensor.name().endsWith("_scale") ? scales : numbers;
                for (long at = 0; at < tensor.byteSize(); at += values.capacity()) {
                    values.clear().limit((int) Math.min(values.capacity(), tensor.byteSize() - at));
                    writer.write(tensor.name(), at, values);
                }
            }
            writer.seal();
        }
    }

    private static void report(String name, double value, boolean passed) {
        System.out.printf(Locale.ROOT, "{\"check\": \"%s\", \"value\": %.6f, \"passed\": %b}%n", name, value, passed);
    }
}
