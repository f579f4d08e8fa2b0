package io.octavo.engine.calibrate;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/** Runs an unquantized model over texts, layer by layer, and remembers the ranges of its activations. */
public final class Calibrator {

    private final Backend backend;

    /** @param backend borrowed */
    public Calibrator(Backend backend) {
        this.backend = backend;
    }

    /**
     * @param channels modules whose input channels are told apart
     * @param weighed modules of whose inputs E[x²] is computed
     * @param progress receives the share that is done of all texts in all layers
     * @throws QuantizationException {@code ARCHITECTURE_UNSUPPORTED}, a {@code DATASET_} or {@code TOKENIZER_} code, or
     *     {@code TENSOR_NOT_FINITE}
     */
    public ActivationRanges observe(
            Checkpoint checkpoint,
            CalibrationData data,
            Set<String> channels,
            Set<String> weighed,
            JobMonitor monitor,
            DoubleConsumer progress) {
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        List<int[]> samples = samples(checkpoint, data, spec, monitor);
        try (LayerStream layers = new ModelLoader(backend, checkpoint, spec).stream(samples);
                var ranges = new RangeObserver(backend, spec, channels);
                var weights = new SquaresObserver(backend, weighed);
                InputRanges inputs = InputRanges.of(data.shape().observer(), backend);
                Stream stream = backend.newStream()) {
            var squares = new HashMap<String, float[]>();
            ActivationObserver all = ranges.and(weights).and(inputs);
            int steps = layers.layers() * samples.size();
            var done = new AtomicInteger();
            monitor.checkpoint();
            while (layers.next() < layers.layers()) {
                layers.advance(all, () -> {
                    monitor.checkpoint();
                    progress.accept((double) done.incrementAndGet() / steps);
                });
                squares.putAll(weights.take(stream));
            }
            ActivationRanges shown = ranges.ranges(stream).withSquares(squares);
            ActivationRanges chosen = shown.withInputs(inputs.ranges(shown.inputs(), stream));
            return sharedByExperts(chosen, spec);
        }
    }

    /**
     * Gives the same Linear of all experts of a layer the range of all of them: loaders keep one input scale for it, and an
     * expert that no token was sent to has no range of its own.
     */
    static ActivationRanges sharedByExperts(ActivationRanges seen, ModelSpec spec) {
        Map<String, Range> inputs = new HashMap<>(seen.inputs());
        for (LayerSpec layer : spec.layers()) {
            if (layer.feedForward() instanceof FeedForwardSpec.Experts experts) {
                for (String name : experts.names().projections()) {
                    List<String> modules = IntStream.range(0, experts.count())
                            .mapToObj(expert -> layer.name() + "." + experts.module(expert, name))
                            .toList();
                    modules.stream()
                            .flatMap(module -> seen.input(module).stream())
                            .reduce(Range::union)
                            .ifPresent(range -> modules.forEach(module -> inputs.put(module, range)));
                }
            }
        }
        return new ActivationRanges(inputs, seen.channels(), seen.squares(), seen.keys(), seen.values());
    }

    /** The same, and tells the job's log how many there are. */
    static List<int[]> samples(Checkpoint checkpoint, CalibrationData data, ModelSpec spec, JobMonitor monitor) {
        List<int[]> samples = samples(checkpoint, data, spec);
        monitor.log("calibrating on %d of the %d samples asked for, %d tokens together"
                .formatted(
                        samples.size(),
                        data.samples(),
                        samples.stream().mapToInt(tokens -> tokens.length).sum()));
        return samples;
    }

    /**
     * The tokens of each text that is looked at, the model's first token before those of plain ones.
     *
     * @throws QuantizationException {@code DATASET_INVALID} if all are blank: that token alone tells nothing of what texts do
     *     in the model, and the artifact would tell nothing of that
     */
    public static List<int[]> samples(Checkpoint checkpoint, CalibrationData data, ModelSpec spec) {
        List<Datasets.Text> texts;
        try (ChatTemplate template = ChatTemplate.of(checkpoint)) {
            texts = new ArrayList<>(Datasets.texts(data.dataset(), template));
        }
        if (data.seed() != 0) {
            Collections.shuffle(texts, new Random(data.seed()));
        }
        int length = Math.min(data.sequenceLength(), spec.maxPositions());
        var samples = new ArrayList<int[]>();
        boolean blank = true;
        try (Tokenizer tokenizer = Tokenizer.open(checkpoint.folder())) {
            for (Datasets.Text text : texts) {
                IntStream first = text.complete() ? IntStream.empty() : spec.bosTokenId().stream();
                int[] tokens = IntStream.concat(first, IntStream.of(tokenizer.encode(text.text())))
                        .limit(length)
                        .toArray();
                if (tokens.length > 0 && samples.size() < data.samples()) {
                    samples.add(tokens);
                    blank &= text.text().isBlank();
                }
            }
        }
        if (blank) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, data.dataset().getFileName() + " holds no text to calibrate on");
        }
        return samples;
    }
}
