package io.octavo.engine.calibrate;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.KvCache;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.TokenBatch;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/** Runs an unquantized model over texts and remembers the ranges of its activations. */
public final class Calibrator {

    private final Backend backend;

    /** @param backend borrowed */
    public Calibrator(Backend backend) {
        this.backend = backend;
    }

    /**
     * @param progress receives the share of the texts that is done
     * @throws QuantizationException {@code ARCHITECTURE_UNSUPPORTED}, a {@code DATASET_} or {@code TOKENIZER_} code, or
     *     {@code TENSOR_NOT_FINITE}
     */
    public ActivationRanges observe(
            Checkpoint checkpoint, CalibrationData data, JobMonitor monitor, DoubleConsumer progress) {
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        List<int[]> samples = samples(checkpoint, data, spec);
        int longest = samples.stream().mapToInt(tokens -> tokens.length).max().orElse(1);
        RunLimits limits = RunLimits.forThroughput(spec, longest, 1);
        try (Transformer model = new ModelLoader(backend, checkpoint, spec).load(limits);
                KvCache cache = model.newCache(1, longest);
                var observer = new RangeObserver(backend, spec);
                Stream stream = backend.newStream()) {
            model.observe(observer);
            for (int i = 0; i < samples.size(); i++) {
                monitor.checkpoint();
                try (KvCache.Sequence sequence = cache.newSequence()) {
                    model.forward(new TokenBatch().add(sequence, samples.get(i)), cache);
                }
                progress.accept((i + 1.0) / samples.size());
            }
            model.synchronize();
            return observer.ranges(stream);
        }
    }

    private static List<int[]> samples(Checkpoint checkpoint, CalibrationData data, ModelSpec spec) {
        List<String> texts = new ArrayList<>(Datasets.texts(data.dataset()));
        if (data.seed() != 0) {
            Collections.shuffle(texts, new Random(data.seed()));
        }
        int length = Math.min(data.sequenceLength(), spec.maxPositions());
        var samples = new ArrayList<int[]>();
        try (Tokenizer tokenizer = Tokenizer.open(checkpoint.folder())) {
            for (String text : texts) {
                int[] tokens = IntStream.concat(spec.bosTokenId().stream(), IntStream.of(tokenizer.encode(text)))
                        .limit(length)
                        .toArray();
                if (tokens.length > 0 && samples.size() < data.samples()) {
                    samples.add(tokens);
                }
            }
        }
        if (samples.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, data.dataset().getFileName() + " holds no text to calibrate on");
        }
        return samples;
    }
}
