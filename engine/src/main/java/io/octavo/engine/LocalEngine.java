package io.octavo.engine;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.convert.Converter;
import io.octavo.engine.convert.ForeignQuantizer;
import io.octavo.engine.evaluate.Baseline;
import io.octavo.engine.evaluate.Evaluator;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.generate.Generator;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.quantize.WarmUp;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.DeviceOffer;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.sensitivity.MixedPrecision;
import io.octavo.engine.smoke.SmokeInference;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.device.OutOfDeviceMemoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** The engine in this process, on one backend. */
final class LocalEngine implements Engine {

    /** Of a quantization with a budget: where it ends to choose, and what was chosen is done. */
    private static final double CHOOSING_SHARE = 0.5;

    private final Supplier<Backend> backend;
    private final int threads;

    /**
     * @param backend gives the same one whenever it is asked, perhaps after some time; closed with this
     * @param threads for work that the backend does not do, such as hashing
     */
    LocalEngine(Supplier<Backend> backend, int threads) {
        this.backend = backend;
        this.threads = threads;
    }

    @Override
    public String device() {
        return backend.get().description();
    }

    @Override
    public DeviceOffer deviceOffer() {
        Backend device = backend.get();
        return new DeviceOffer(device.name(), device.freeMemoryBytes(), device.computeCapability());
    }

    @Override
    public void warmUp(Path folder, JobMonitor monitor) {
        onDevice(() -> {
            WarmUp.run(new Quantizer(backend, threads), folder, monitor);
            return folder;
        });
    }

    @Override
    public QuantizationResult quantize(QuantizationRequest request, JobMonitor monitor) {
        Layout layout = Layout.named(request.recipe().layout());
        var quantizer = new Quantizer(backend, threads);
        return onDevice(() -> {
            boolean chooses = request.recipe().budget().isPresent();
            QuantizationRequest named = chooses
                    ? new MixedPrecision(backend.get(), monitor.part(0, CHOOSING_SHARE)).resolve(request)
                    : request;
            JobMonitor rest = chooses ? monitor.part(CHOOSING_SHARE, 1) : monitor;
            return layout == Layout.COMPRESSED_TENSORS
                    ? quantizer.quantize(named, rest)
                    : new ForeignQuantizer(quantizer, new Converter(threads)).quantize(named, layout, rest);
        });
    }

    @Override
    public ConversionResult convert(ConversionRequest request, JobMonitor monitor) {
        return new Converter(threads).convert(request, monitor);
    }

    @Override
    public Label label(Path checkpoint) {
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            return Label.of(opened);
        }
    }

    @Override
    public EvaluationResult evaluate(EvaluationRequest request, JobMonitor monitor) {
        return onDevice(() -> evaluateHere(request, monitor));
    }

    private EvaluationResult evaluateHere(EvaluationRequest request, JobMonitor monitor) {
        try (Checkpoint checkpoint = Checkpoint.open(request.source());
                Tokenizer tokenizer = Tokenizer.open(request.source());
                ChatTemplate chats = ChatTemplate.of(checkpoint)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            ModelLoader loader = new ModelLoader(backend.get(), checkpoint, spec);
            List<EvaluationTask> scored = request.tasks().stream()
                    .filter(task -> !(task instanceof EvaluationTask.Smoke))
                    .toList();
            double share = (double) scored.size() / request.tasks().size();
            Iterator<TaskResult> scores = scored.isEmpty()
                    ? Collections.emptyIterator()
                    : new Evaluator(
                                    spec,
                                    tokenizer,
                                    chats,
                                    loader::load,
                                    folder -> Baseline.open(backend.get(), folder))
                            .evaluate(scored, monitor.part(0, share))
                            .iterator();
            List<TaskResult> results = new ArrayList<>();
            for (EvaluationTask task : request.tasks()) {
                results.add(
                        task instanceof EvaluationTask.Smoke smoke
                                ? SmokeInference.run(smoke, request.source(), backend.get(), monitor.part(share, 1))
                                : scores.next());
            }
            return new EvaluationResult(Label.of(checkpoint).text(), results);
        }
    }

    @Override
    public GenerationResult generate(GenerationRequest request, JobMonitor monitor) {
        return onDevice(() -> generateHere(request, monitor));
    }

    private GenerationResult generateHere(GenerationRequest request, JobMonitor monitor) {
        try (Checkpoint checkpoint = Checkpoint.open(request.source());
                Tokenizer tokenizer = Tokenizer.open(request.source())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            List<Integer> prompt =
                    prompt(request, checkpoint, tokenizer, spec).boxed().toList();
            long wanted = (long) prompt.size() + request.maxTokens();
            RunLimits limits = RunLimits.forGeneration(spec, Math.clamp(wanted, 1, spec.maxPositions()));
            monitor.phase("load");
            try (Transformer model = new ModelLoader(backend.get(), checkpoint, spec).load(limits)) {
                monitor.phase("generate");
                long start = System.nanoTime();
                List<Integer> ids =
                        new Generator(model).generate(prompt, request.maxTokens(), request.sampling(), monitor);
                Duration duration = Duration.ofNanos(System.nanoTime() - start);
                return new GenerationResult(prompt, ids, tokenizer.decode(ids), duration);
            }
        }
    }

    private static IntStream prompt(
            GenerationRequest request, Checkpoint checkpoint, Tokenizer tokenizer, ModelSpec spec) {
        if (!request.chat()) {
            return IntStream.concat(spec.bosTokenId().stream(), IntStream.of(tokenizer.encode(request.prompt())));
        }
        try (ChatTemplate template = ChatTemplate.of(checkpoint)) {
            return IntStream.of(tokenizer.encode(template.render(Chat.ofUser(request.prompt()))));
        }
    }

    /** Gives the failures of the device their codes. */
    static <T> T onDevice(Supplier<T> work) {
        try {
            return work.get();
        } catch (OutOfDeviceMemoryException e) {
            throw new QuantizationException(ErrorCode.OUT_OF_MEMORY, String.valueOf(e.getMessage()), e);
        } catch (DeviceFaultException e) {
            throw new QuantizationException(ErrorCode.DEVICE_FAULT, String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void close() {
        Backend opened;
        try {
            opened = backend.get();
        } catch (QuantizationException e) {
            return; // It never opened, as whoever needed it was told.
        }
        opened.close();
    }
}
