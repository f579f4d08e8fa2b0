package io.octavo.api.openapi;

import io.octavo.api.plan.PlanView;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.spec.SourceUri;
import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.media.Schema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springdoc.core.utils.SpringDocUtils;

/** The jobs that can be submitted, as their records say, and the one that has no record: a list of schemes. */
final class JobSchemas {

    private static final String SCHEMES_JOB = "QuantizeToSchemesJob";
    static final String DEPLOYMENT = "DeploymentRequest";
    private static final String SOURCE =
            "hub:namespace/name[@revision], s3://bucket/prefix or file:/folder; step:name in"
                    + " a pipeline; a dataset in a repository of several files is named behind #";

    /** Its members are those of the jobs. */
    private static final String UNWRAPPED = "Scheduling";

    private JobSchemas() {}

    static void replaceTexts() {
        SpringDocUtils.getConfig()
                .replaceWithSchema(SourceUri.class, PlainSchemas.text(SOURCE))
                .replaceWithSchema(DatasetReference.class, PlainSchemas.text(SOURCE))
                .replaceWithSchema(Duration.class, PlainSchemas.of("string"))
                .replaceWithSchema(RepositoryName.class, PlainSchemas.text("namespace/name"));
    }

    @SuppressWarnings("rawtypes") // as the library hands out its schemas
    static void addTo(Components components) {
        for (Class<?> job : List.of(
                QuantizeSpec.class,
                ConvertSpec.class,
                EvaluateSpec.class,
                BenchmarkSpec.class,
                PipelineSpec.class,
                ServeSpec.class,
                PlanView.class)) {
            ModelConverters.getInstance(true).readAll(new AnnotatedType(job)).forEach(components::addSchemas);
        }
        Map<String, Schema> all = components.getSchemas();
        all.remove(UNWRAPPED);
        known(known(all, "PipelineJobStep").getProperties(), "name").setExample("quantize");
        known(all, DEPLOYMENT).getProperties().keySet().removeAll(List.of("timeout", "phaseTimeout"));
        components.addSchemas(SCHEMES_JOB, schemesJob(known(all, "QuantizeJob"), known(all, "EvaluateJob")));
    }

    @SuppressWarnings("rawtypes") // as the library hands out its schemas
    private static Schema<?> known(Map<String, Schema> all, String name) {
        return Objects.requireNonNull(all.get(name), name);
    }

    static Schema<?> any() {
        return new Schema<Object>()
                .oneOf(List.of(
                        PlainSchemas.reference("QuantizeJob"),
                        PlainSchemas.reference("ConvertJob"),
                        PlainSchemas.reference("EvaluateJob"),
                        PlainSchemas.reference("BenchmarkJob"),
                        PlainSchemas.reference(SCHEMES_JOB),
                        PlainSchemas.reference("PipelineJob")));
    }

    /** A quantize job whose scheme is a list, with an evaluation that says neither its type nor its source. */
    private static Schema<?> schemesJob(Schema<?> quantize, Schema<?> evaluate) {
        Schema<Object> job = without(quantize, List.of("scheme"));
        job.addProperty("schemes", PlainSchemas.of("array").items(PlainSchemas.text("a scheme of GET /schemes")));
        job.addProperty(
                "target",
                PlainSchemas.text("namespace/name with {scheme} in it, in whose place each scheme's name is put")
                        .example("octavo/model-{scheme}"));
        job.addProperty("evaluate", without(evaluate, List.of("type", "source")));
        job.addRequiredItem("schemes");
        return job;
    }

    private static Schema<Object> without(Schema<?> schema, List<String> members) {
        Schema<Object> rest = PlainSchemas.of("object");
        rest.setProperties(new LinkedHashMap<>(schema.getProperties()));
        rest.getProperties().keySet().removeAll(members);
        List<String> required = new ArrayList<>(schema.getRequired());
        required.removeAll(members);
        rest.setRequired(required);
        rest.setAdditionalProperties(false);
        return rest;
    }
}
