package io.octavo.api.openapi;

import io.octavo.jobs.spec.GateSpec;
import io.swagger.v3.oas.models.media.Schema;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The jobs that can be submitted. They are parsed by hand, strictly, so this says by hand what is taken. */
final class JobRequestSchema {

    private JobRequestSchema() {}

    static Schema<?> quantize() {
        Map<String, Schema<?>> members = recipe();
        members.put("scheme", text("a scheme of GET /schemes"));
        members.put("target", text("the repository that receives the artifact, namespace/name"));
        return object(members, "type", "source", "scheme", "target");
    }

    /** Stands for a pipeline. */
    static Schema<?> quantizeToSchemes() {
        Map<String, Schema<?>> members = recipe();
        members.put("schemes", list(text("a scheme of GET /schemes")));
        members.put(
                "target",
                text("namespace/name with {scheme} in it, in whose place each scheme's name is put")
                        .example("octavo/model-{scheme}"));
        Map<String, Schema<?>> evaluation = scores();
        evaluation.putAll(asked());
        members.put("evaluate", object(evaluation, "tasks"));
        return object(members, "type", "source", "schemes", "target");
    }

    static Schema<?> pipeline() {
        Map<String, Schema<?>> members = new LinkedHashMap<>();
        members.put("type", choice("pipeline"));
        members.put("priority", whole(-1000, 1000));
        members.put("labels", labels());
        members.put(
                "steps",
                list(object(
                        Map.of(
                                "name",
                                text("of the step: letters, digits, '.', '_' or '-'")
                                        .example("quantize"),
                                "needs",
                                list(text("the name of a step that must succeed before")),
                                "job",
                                new Schema<Object>()
                                        .oneOf(List.of(
                                                OpenApiConfiguration.reference("QuantizeJob"),
                                                OpenApiConfiguration.reference("ConvertJob"),
                                                OpenApiConfiguration.reference("EvaluateJob")))),
                        "name",
                        "job")));
        return object(members, "type", "steps");
    }

    private static Map<String, Schema<?>> recipe() {
        Map<String, Schema<?>> members = common("quantize");
        members.put("source", source());
        members.put("layout", text("a layout of GET /schemes; compressed-tensors where it is absent"));
        members.put("ignore", list(text("modules to leave alone: exact names or re:<regex>")));
        members.put(
                "overrides",
                list(object(
                        Map.of(
                                "scheme",
                                text("a scheme of GET /schemes"),
                                "targets",
                                list(text("an exact name or re:<regex>"))),
                        "scheme",
                        "targets")));
        members.put("kvCache", object(Map.of("type", choice("fp8"), "granularity", choice("tensor", "head")), "type"));
        members.put(
                "calibration",
                object(
                        Map.of(
                                "dataset",
                                source(),
                                "samples",
                                whole(1, 100_000),
                                "sequenceLength",
                                whole(1, 1 << 20),
                                "seed",
                                whole(0, Integer.MAX_VALUE)),
                        "dataset"));
        members.put("device", choice("auto", "cpu", "cuda"));
        members.put("reuse", of("boolean").description("false: make the artifact even if there is the same one"));
        return members;
    }

    static Schema<?> convert() {
        Map<String, Schema<?>> members = common("convert");
        members.put("source", source());
        members.put("layout", text("a layout of GET /schemes"));
        members.put("target", text("the repository that receives the artifact, namespace/name"));
        return object(members, "type", "source", "layout", "target");
    }

    static Schema<?> evaluate() {
        Map<String, Schema<?>> members = common("evaluate");
        members.put("source", source());
        members.putAll(scores());
        return object(members, "type", "source", "tasks");
    }

    private static Map<String, Schema<?>> scores() {
        Map<String, Schema<?>> members = new LinkedHashMap<>();
        members.put("baseline", source());
        members.put("tasks", list(task()));
        members.put(
                "gates",
                list(object(
                        Map.of(
                                "metric",
                                choice(GateSpec.METRICS.toArray(String[]::new)),
                                "task",
                                text("whose score is meant; all that have it where it is absent"),
                                "min",
                                of("number"),
                                "max",
                                of("number")),
                        "metric")));
        members.put("device", choice("auto", "cpu", "cuda"));
        return members;
    }

    private static Schema<?> task() {
        return object(
                Map.of(
                        "type",
                        choice("perplexity", "multiple-choice", "generation", "divergence"),
                        "name",
                        text("names the task in the result; its type where it is absent"),
                        "dataset",
                        source(),
                        "windowTokens",
                        whole(1, 1 << 20),
                        "maxWindows",
                        whole(1, Integer.MAX_VALUE),
                        "format",
                        choice("jsonl"),
                        "maxItems",
                        whole(1, Integer.MAX_VALUE),
                        "prompt",
                        text("what generation goes on from"),
                        "maxTokens",
                        whole(1, 4096),
                        "sampling",
                        sampling()),
                "type");
    }

    private static Schema<?> sampling() {
        return object(Map.of(
                        "temperature",
                        decimal(0, 100),
                        "topK",
                        whole(0, 1 << 24),
                        "topP",
                        decimal(0.001, 1),
                        "minP",
                        decimal(0, 1),
                        "repetitionPenalty",
                        decimal(0.01, 100),
                        "seed",
                        whole(0, Integer.MAX_VALUE)))
                .description("how generation draws its tokens; the most likely ones where it is absent");
    }

    private static Map<String, Schema<?>> common(String type) {
        Map<String, Schema<?>> members = asked();
        members.put("type", choice(type));
        return members;
    }

    /** What a job asks of the queue. */
    private static Map<String, Schema<?>> asked() {
        Map<String, Schema<?>> members = new LinkedHashMap<>();
        members.put("priority", whole(-1000, 1000));
        members.put("labels", labels());
        members.put(
                "requirements",
                object(Map.of(
                        "deviceKind",
                        choice("cuda"),
                        "deviceMemoryBytes",
                        of("integer").minimum(BigDecimal.ZERO).maximum(BigDecimal.valueOf(1L << 50)),
                        "computeCapability",
                        text("such as 9.0"),
                        "labels",
                        of("object").additionalProperties(text("that the worker must have")))));
        members.put("timeout", text("of the job: an ISO 8601 duration from PT1S to PT720H"));
        members.put("phaseTimeout", text("of each of its phases, likewise"));
        return members;
    }

    private static Schema<?> labels() {
        return of("object").additionalProperties(text("to find the job by"));
    }

    private static Schema<?> source() {
        return text("hub:namespace/name[@revision], s3://bucket/prefix or file:/folder; step:name in a pipeline; a"
                + " dataset in a repository of several files is named behind #");
    }

    static Schema<?> text(String description) {
        return of("string").description(description);
    }

    private static Schema<?> choice(String... values) {
        Schema<Object> schema = of("string");
        schema.setEnum(Arrays.<Object>asList((Object[]) values));
        return schema;
    }

    private static Schema<?> whole(int min, int max) {
        return of("integer").minimum(BigDecimal.valueOf(min)).maximum(BigDecimal.valueOf(max));
    }

    private static Schema<?> decimal(double min, double max) {
        return of("number").minimum(BigDecimal.valueOf(min)).maximum(BigDecimal.valueOf(max));
    }

    private static Schema<?> list(Schema<?> items) {
        return of("array").items(items);
    }

    private static Schema<?> object(Map<String, Schema<?>> members, String... required) {
        Schema<Object> schema = of("object");
        members.forEach(schema::addProperty);
        schema.setRequired(List.of(required));
        schema.setAdditionalProperties(false);
        return schema;
    }

    static Schema<Object> of(String type) {
        Schema<Object> schema = new Schema<>();
        schema.setTypes(Set.of(type));
        schema.setType(type);
        return schema;
    }
}
