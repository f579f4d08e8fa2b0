package io.octavo.jobs.spec;

import io.octavo.engine.request.Budget;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads a spec strictly: what is not understood is refused, never ignored. */
@Component
public class JobSpecReader {

    /** Members that are read by models and not by people. */
    private static final Set<String> FREE_TEXTS = Set.of("prompt");

    private final SchemeCatalog catalog;

    public JobSpecReader(SchemeCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * @throws ProblemException {@code invalid-request} with every wrong field, {@code scheme-unknown}, {@code
     *     layout-unknown}, or one of the {@code pipeline-} codes
     */
    public JobSpec read(JsonNode body) {
        SpecJson.throwIfAny(PlainText.Validator.faults(body, FREE_TEXTS));
        JobSpec spec = readStored(body);
        switch (spec) {
            case PipelineSpec pipeline -> pipeline.steps().forEach(step -> requireKnownNames(step.job()));
            case SingleJobSpec job -> {
                requireKnownNames(job);
                requireNoStep(job);
            }
            case ServeSpec deployment ->
                SpecJson.throwIfAny(List.of(new FieldError(
                        "type", "must not be " + ServeSpec.TYPE + ": POST /api/v1/deployments serves a model")));
        }
        return spec;
    }

    /**
     * What is to be served.
     *
     * @throws ProblemException {@code invalid-request} with every wrong field
     */
    public ServeSpec readDeployment(JsonNode body) {
        SpecJson.throwIfAny(PlainText.Validator.faults(body, FREE_TEXTS));
        return SpecJson.read(body, "", ServeSpec.class);
    }

    /** A spec that this service stored: its scheme was known then, whatever the catalog says now. */
    public JobSpec readStored(JsonNode body) {
        if (body instanceof ObjectNode job && SchemeList.isOne(job)) {
            return SchemeList.expand(job);
        }
        String type = body.path("type").asString("");
        if (type.equals(ServeSpec.TYPE)) {
            return SpecJson.read(body, "", ServeSpec.class);
        }
        boolean pipeline = type.equals(PipelineSpec.TYPE);
        JobSpec spec = SpecJson.read(pipeline ? PipelineSpec.inherited(body) : body, "", JobSpec.class);
        if (spec instanceof PipelineSpec steps) {
            PipelineGraph.check(steps.steps());
        }
        return spec;
    }

    private void requireKnownNames(SingleJobSpec spec) {
        switch (spec) {
            case QuantizeSpec quantize -> {
                requireKnownScheme(quantize.scheme());
                quantize.overrides().forEach(override -> requireKnownScheme(override.scheme()));
                quantize.budget()
                        .ifPresent(budget -> budget.candidates().stream()
                                .filter(candidate -> !candidate.equals(Budget.KEPT))
                                .forEach(this::requireKnownScheme));
                requireKnownLayout(quantize.layout());
            }
            case ConvertSpec convert -> requireKnownLayout(convert.layout());
            case EvaluateSpec evaluate -> {}
            case BenchmarkSpec benchmark -> {}
        }
    }

    private static void requireNoStep(JobSpec spec) {
        if (spec.sources().stream().anyMatch(SourceUri.Step.class::isInstance)) {
            SpecJson.throwIfAny(List.of(new FieldError(
                    "source", "must not be a step:, which names a step of the pipeline that the job belongs to")));
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
