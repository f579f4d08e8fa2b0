package io.octavo.worker.run;

import io.octavo.engine.Engine;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.jobs.artifact.ArtifactLabel;
import io.octavo.jobs.artifact.Lineage;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.source.ResolvedSource;
import io.octavo.worker.source.SourceResolver;
import java.nio.file.Path;
import java.util.Optional;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.ObjectNode;

/** Fetches a quantized checkpoint, writes and verifies it in another layout, and commits it as an artifact. */
@Component
class ConvertJobRunner {

    private static final double FETCHED = 0.2;
    private static final double CONVERTED = 0.7;

    /** What an artifact's lineage has in place of a scheme: the numbers are the source's. */
    private static final String SCHEME = "convert";

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final ArtifactUpload upload;
    private final DeviceProperties device;

    ConvertJobRunner(SourceResolver sources, EngineFactory engines, ArtifactUpload upload, DeviceProperties device) {
        this.sources = sources;
        this.engines = engines;
        this.upload = upload;
        this.device = device;
    }

    Runnable run(ConvertSpec spec, Attempt attempt, JobScratch scratch) {
        long started = System.nanoTime();
        attempt.phase("fetch");
        ResolvedSource source = sources.checkpoint(
                attempt.tenant(), spec.source(), scratch.folder("source"), attempt.section(0, FETCHED));
        Path output = scratch.place("output");
        ConversionResult result;
        ArtifactLabel label;
        try (Engine engine = engines.open(device.onProcessor())) {
            attempt.uses(engine);
            attempt.log("converting " + source.uri() + " to " + spec.layout());
            result = engine.convert(
                    new ConversionRequest(source.folder(), output, spec.layout()).withKnown(source.files()),
                    attempt.section(FETCHED, CONVERTED));
            label = ArtifactLabels.of(engine, output, result.weightBits());
        }
        ObjectNode facts = upload.facts(result, started)
                .put("sourceLayout", result.sourceLayout())
                .put("convertedModules", result.convertedModules())
                .put("untouchedTensors", result.untouchedTensors());
        return upload.store(
                attempt,
                CONVERTED,
                output,
                result,
                new ArtifactUpload.Making(
                        spec.target(),
                        "Convert " + source.uri() + " to " + spec.layout(),
                        label,
                        new Lineage(
                                spec.source().toString(), source.revision(), SCHEME, spec.layout(), engines.version()),
                        Optional.empty()),
                facts,
                facts);
    }
}
