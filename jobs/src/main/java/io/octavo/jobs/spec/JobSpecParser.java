package io.octavo.jobs.spec;

import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads a spec strictly: what is not understood is refused, never ignored. */
@Component
public class JobSpecParser {

    public static final String DEFAULT_LAYOUT = "compressed-tensors";

    private static final int MAX_NAME = 128;
    private static final int MAX_PATTERN = 512;
    private static final int MAX_PROMPT = 32_768;
    private static final int MAX_TASKS = 64;
    private static final int MAX_GATES = 64;
    private static final int MAX_OVERRIDES = 64;
    private static final int MAX_SAMPLES = 100_000;
    private static final double LEAST_TEMPERATURE = 0.001;
    private static final int DEFAULT_SAMPLES = 512;
    private static final int DEFAULT_SEQUENCE_LENGTH = 2048;

    private final SchemeCatalog catalog;

    public JobSpecParser(SchemeCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * @throws ProblemException {@code invalid-request} with every wrong field, {@code scheme-unknown}, {@code
     *     layout-unknown}, or one of the {@code pipeline-} codes
     */
    public JobSpec parse(JsonNode body) {
        JobSpec spec = read(body);
        if (spec instanceof PipelineSpec pipeline) {
            pipeline.steps().forEach(step -> requireKnownNames(step.job()));
        } else {
            requireKnownNames(spec);
            requireNoStep(spec);
        }
        return spec;
    }

    private void requireKnownNames(JobSpec spec) {
        switch (spec) {
            case QuantizeSpec quantize -> {
                requireKnownScheme(quantize.scheme());
                quantize.overrides().forEach(override -> requireKnownScheme(override.scheme()));
                requireKnownLayout(quantize.layout());
            }
            case ConvertSpec convert -> requireKnownLayout(convert.layout());
            case EvaluateSpec evaluate -> {}
            case PipelineSpec pipeline -> {}
        }
    }

    private static void requireNoStep(JobSpec spec) {
        if (spec.sources().stream().anyMatch(SourceUri.Step.class::isInstance)) {
            throwIfAny(List.of(new FieldError(
                    "source", "must not be a step:, which names a step of the pipeline that the job belongs to")));
        }
    }

    /** A spec that this service stored: its scheme was known then, whatever the catalog says now. */
    public JobSpec parseStored(JsonNode body) {
        return read(body);
    }

    private static JobSpec read(JsonNode body) {
        List<FieldError> errors = new ArrayList<>();
        Fields fields = new Fields(body, "", errors);
        String type = fields.choice(
                "type", "", List.of(QuantizeSpec.TYPE, ConvertSpec.TYPE, EvaluateSpec.TYPE, PipelineSpec.TYPE));
        throwIfAny(errors);
        var pipelines = new PipelineFields(errors, JobSpecParser::job);
        if (type.equals(PipelineSpec.TYPE)) {
            return pipelines.read(fields);
        }
        if (type.equals(QuantizeSpec.TYPE) && fields.has(PipelineFields.SCHEMES) && body instanceof ObjectNode job) {
            return pipelines.fanOut(job);
        }
        return job(new Fields(body, "", errors), errors, Scheduling.of(0));
    }

    private static JobSpec job(Fields fields, List<FieldError> errors, Scheduling inherited) {
        String type = fields.choice("type", "", List.of(QuantizeSpec.TYPE, ConvertSpec.TYPE, EvaluateSpec.TYPE));
        throwIfAny(errors);
        return switch (type) {
            case QuantizeSpec.TYPE -> quantize(fields, errors, inherited);
            case ConvertSpec.TYPE -> convert(fields, errors, inherited);
            default -> evaluate(fields, errors, inherited);
        };
    }

    private static QuantizeSpec quantize(Fields fields, List<FieldError> errors, Scheduling inherited) {
        Optional<SourceUri> source = fields.parsed("source", true, SourceUri::parse);
        String scheme = fields.text("scheme", MAX_NAME);
        Optional<RepositoryName> target = fields.parsed("target", true, RepositoryName::parse);
        String layout = fields.text("layout", MAX_NAME, DEFAULT_LAYOUT);
        List<String> ignore = fields.texts("ignore", 1000, MAX_PATTERN);
        List<QuantizeSpec.SchemeOverride> overrides = fields.objects("overrides", MAX_OVERRIDES).stream()
                .map(JobSpecParser::override)
                .toList();
        Optional<QuantizeSpec.KvCache> kvCache = fields.object("kvCache").map(JobSpecParser::kvCache);
        Optional<QuantizeSpec.Calibration> calibration =
                fields.object("calibration").flatMap(JobSpecParser::calibration);
        String device = fields.choice("device", Devices.AUTO, Devices.ALL);
        boolean reuse = fields.truth("reuse", true);
        Scheduling scheduling = SchedulingFields.read(fields, inherited);
        fields.rejectUnknown();
        throwIfAny(errors);
        return new QuantizeSpec(
                source.orElseThrow(),
                scheme,
                target.orElseThrow(),
                layout,
                ignore,
                overrides,
                kvCache,
                calibration,
                device,
                reuse,
                scheduling);
    }

    private static QuantizeSpec.SchemeOverride override(Fields fields) {
        String scheme = fields.text("scheme", MAX_NAME);
        List<String> targets = fields.texts("targets", 1000, MAX_PATTERN);
        if (targets.isEmpty()) {
            fields.error("targets", "must name at least one module");
        }
        fields.rejectUnknown();
        return new QuantizeSpec.SchemeOverride(scheme, targets);
    }

    private static QuantizeSpec.KvCache kvCache(Fields fields) {
        String type = fields.choice("type", "", List.of(QuantizeSpec.KvCache.FP8));
        String granularity = fields.choice(
                "granularity",
                QuantizeSpec.KvCache.PER_TENSOR,
                List.of(QuantizeSpec.KvCache.PER_TENSOR, QuantizeSpec.KvCache.PER_HEAD));
        fields.rejectUnknown();
        return new QuantizeSpec.KvCache(type, granularity);
    }

    private static Optional<QuantizeSpec.Calibration> calibration(Fields fields) {
        Optional<DatasetReference> dataset = fields.parsed("dataset", true, DatasetReference::parse);
        int samples = fields.number("samples", DEFAULT_SAMPLES, 1, MAX_SAMPLES);
        int sequenceLength = fields.number("sequenceLength", DEFAULT_SEQUENCE_LENGTH, 1, 1 << 20);
        int seed = fields.number("seed", 0, 0, Integer.MAX_VALUE);
        fields.rejectUnknown();
        return dataset.map(data -> new QuantizeSpec.Calibration(data, samples, sequenceLength, seed));
    }

    private static ConvertSpec convert(Fields fields, List<FieldError> errors, Scheduling inherited) {
        Optional<SourceUri> source = fields.parsed("source", true, SourceUri::parse);
        Optional<RepositoryName> target = fields.parsed("target", true, RepositoryName::parse);
        String layout = fields.text("layout", MAX_NAME);
        Scheduling scheduling = SchedulingFields.read(fields, inherited);
        fields.rejectUnknown();
        throwIfAny(errors);
        return new ConvertSpec(source.orElseThrow(), target.orElseThrow(), layout, scheduling);
    }

    private static EvaluateSpec evaluate(Fields fields, List<FieldError> errors, Scheduling inherited) {
        Optional<SourceUri> source = fields.parsed("source", true, SourceUri::parse);
        Optional<SourceUri> baseline = fields.parsed("baseline", false, SourceUri::parse);
        List<Optional<TaskSpec>> tasks = fields.objects("tasks", MAX_TASKS).stream()
                .map(JobSpecParser::task)
                .toList();
        if (tasks.isEmpty() && errors.isEmpty()) {
            fields.error("tasks", "must name at least one task");
        }
        String device = fields.choice("device", Devices.AUTO, Devices.ALL);
        Scheduling scheduling = SchedulingFields.read(fields, inherited);
        requireDistinctNames(fields, tasks);
        List<GateSpec> gates = fields.objects("gates", MAX_GATES).stream()
                .map(gate -> gate(gate, tasks, fields.has("baseline")))
                .toList();
        boolean compares = tasks.stream().flatMap(Optional::stream).anyMatch(TaskSpec.Divergence.class::isInstance);
        if (compares && baseline.isEmpty()) {
            fields.error("baseline", "is required by tasks of type " + TaskSpec.Divergence.TYPE);
        }
        fields.rejectUnknown();
        throwIfAny(errors);
        return new EvaluateSpec(
                source.orElseThrow(),
                baseline.orElse(null),
                tasks.stream().map(Optional::orElseThrow).toList(),
                gates,
                device,
                scheduling);
    }

    private static void requireDistinctNames(Fields fields, List<Optional<TaskSpec>> tasks) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < tasks.size(); i++) {
            if (tasks.get(i).isPresent() && !names.add(tasks.get(i).get().name())) {
                fields.error("tasks[" + i + "].name", "is used by an earlier task");
            }
        }
    }

    private static GateSpec gate(Fields fields, List<Optional<TaskSpec>> tasks, boolean hasBaseline) {
        GateSpec gate = new GateSpec(
                fields.choice("metric", "", GateSpec.METRICS),
                fields.has("task") ? fields.text("task", MAX_NAME) : null,
                fields.optionalDecimal("min"),
                fields.optionalDecimal("max"));
        fields.rejectUnknown();
        if (gate.min() == null && gate.max() == null) {
            fields.error("max", "or min is required");
        }
        if (gate.compares() && !hasBaseline) {
            fields.error("metric", "compares with a baseline, which the job does not name");
        }
        if (tasks.stream().flatMap(Optional::stream).noneMatch(gate::judges)) {
            fields.error("metric", "is a score of no task" + (gate.task() == null ? "" : " named " + gate.task()));
        }
        return gate;
    }

    private static Optional<TaskSpec> task(Fields fields) {
        String type = fields.choice(
                "type",
                "",
                List.of(
                        TaskSpec.Perplexity.TYPE,
                        TaskSpec.MultipleChoice.TYPE,
                        TaskSpec.Generation.TYPE,
                        TaskSpec.Divergence.TYPE));
        String name = fields.text("name", MAX_NAME, type.isEmpty() ? "task" : type);
        return switch (type) {
            case TaskSpec.Perplexity.TYPE -> perplexity(name, fields);
            case TaskSpec.MultipleChoice.TYPE -> multipleChoice(name, fields);
            case TaskSpec.Generation.TYPE -> generation(name, fields);
            case TaskSpec.Divergence.TYPE -> divergence(name, fields);
            default -> Optional.empty();
        };
    }

    private static Optional<TaskSpec> generation(String name, Fields fields) {
        String prompt = fields.text("prompt", MAX_PROMPT);
        int maxTokens = fields.number("maxTokens", 64, 1, 4096);
        TaskSpec.Sampling sampling =
                fields.object("sampling").map(JobSpecParser::sampling).orElse(null);
        fields.rejectUnknown();
        return Optional.of(new TaskSpec.Generation(name, prompt, maxTokens, sampling));
    }

    /** Limits keep every number apart from 0 and infinity in 32 bits, and quotients of logits finite. */
    private static TaskSpec.Sampling sampling(Fields fields) {
        var sampling = new TaskSpec.Sampling(
                fields.decimal("temperature", 1, 0, 100),
                fields.number("topK", 0, 0, 1 << 24),
                fields.decimal("topP", 1, 0.001, 1),
                fields.decimal("minP", 0, 0, 1),
                fields.decimal("repetitionPenalty", 1, 0.01, 100),
                fields.number("seed", 0, 0, Integer.MAX_VALUE));
        fields.rejectUnknown();
        if (sampling.temperature() > 0 && sampling.temperature() < LEAST_TEMPERATURE) {
            fields.error("temperature", "must be 0 or at least " + LEAST_TEMPERATURE);
        }
        if (sampling.temperature() == 0
                && !sampling.equals(new TaskSpec.Sampling(0, 0, 1, 0, sampling.repetitionPenalty(), 0))) {
            fields.error("temperature", "is 0, which takes the most likely token: only repetitionPenalty goes with it");
        }
        return sampling;
    }

    private static Optional<TaskSpec> perplexity(String name, Fields fields) {
        Optional<DatasetReference> dataset = fields.parsed("dataset", true, DatasetReference::parse);
        int windowTokens = fields.number("windowTokens", 512, 1, 1 << 20);
        Integer maxWindows = fields.optionalNumber("maxWindows", 1, Integer.MAX_VALUE);
        fields.rejectUnknown();
        return dataset.map(data -> new TaskSpec.Perplexity(name, data, windowTokens, maxWindows));
    }

    private static Optional<TaskSpec> divergence(String name, Fields fields) {
        Optional<DatasetReference> dataset = fields.parsed("dataset", true, DatasetReference::parse);
        int windowTokens = fields.number("windowTokens", 512, 1, 1 << 20);
        Integer maxWindows = fields.optionalNumber("maxWindows", 1, Integer.MAX_VALUE);
        fields.rejectUnknown();
        return dataset.map(data -> new TaskSpec.Divergence(name, data, windowTokens, maxWindows));
    }

    private static Optional<TaskSpec> multipleChoice(String name, Fields fields) {
        Optional<DatasetReference> dataset = fields.parsed("dataset", true, DatasetReference::parse);
        String format = fields.choice("format", TaskSpec.MultipleChoice.JSONL, List.of(TaskSpec.MultipleChoice.JSONL));
        Integer maxItems = fields.optionalNumber("maxItems", 1, Integer.MAX_VALUE);
        fields.rejectUnknown();
        return dataset.map(data -> new TaskSpec.MultipleChoice(name, data, format, maxItems));
    }

    static void throwIfAny(List<FieldError> errors) {
        if (!errors.isEmpty()) {
            FieldError first = errors.getFirst();
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    first.field() + " " + first.message()
                            + (errors.size() > 1 ? " (and " + (errors.size() - 1) + " more)" : ""),
                    Map.of("errors", List.copyOf(errors)));
        }
    }

    private void requireKnownScheme(String scheme) {
        List<String> schemes = catalog.schemes().stream().map(SchemeInfo::name).toList();
        if (!schemes.isEmpty() && !schemes.contains(scheme)) {
            throw unknown(ProblemCode.SCHEME_UNKNOWN, "scheme", scheme, schemes);
        }
    }

    private void requireKnownLayout(String layout) {
        List<String> layouts = catalog.layouts();
        if (!layouts.isEmpty() && !layouts.contains(layout)) {
            throw unknown(ProblemCode.LAYOUT_UNKNOWN, "layout", layout, layouts);
        }
    }

    private static ProblemException unknown(ProblemCode code, String field, String actual, List<String> allowed) {
        String message = "is unknown: " + actual + "; known are " + String.join(", ", allowed);
        return new ProblemException(
                code, field + " " + message, Map.of("errors", List.of(new FieldError(field, message))));
    }
}
