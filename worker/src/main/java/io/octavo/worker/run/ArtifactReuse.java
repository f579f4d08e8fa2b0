package io.octavo.worker.run;

import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.source.SourceListing;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.source.SourceResolver;
import java.util.Optional;
import org.springframework.stereotype.Component;

/**
 * Finds the artifact that a quantize job would make again: of the same tenant, from the same bytes, by the same recipe,
 * data and engine. On which device it was made does not count, nor where the bytes lay and where the result goes.
 */
@Component
class ArtifactReuse {

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final ArtifactService artifacts;

    ArtifactReuse(SourceResolver sources, EngineFactory engines, ArtifactService artifacts) {
        this.sources = sources;
        this.engines = engines;
        this.artifacts = artifacts;
    }

    /** Before anything is fetched, where source and data tell their hashes by themselves. */
    Optional<Runnable> find(QuantizeSpec spec, SourceListing listing, Attempt attempt) {
        Optional<String> data = spec.calibration()
                .map(calibration -> sources.contents(attempt.tenant(), calibration.dataset())
                        .orElse(""));
        if (data.filter(String::isEmpty).isPresent()) {
            return Optional.empty();
        }
        return sources.contents(listing).flatMap(source -> find(spec, key(spec, source, data), listing.uri(), attempt));
    }

    /**
     * @param sourceUri resolved
     * @return the commit that takes the artifact over; empty if there is none, or the job wants a new one
     */
    Optional<Runnable> find(QuantizeSpec spec, String contentKey, String sourceUri, Attempt attempt) {
        if (!spec.reuse()) {
            return Optional.empty();
        }
        Optional<ArtifactRecord> found = artifacts.reusable(attempt.tenant(), contentKey);
        found.ifPresent(artifact -> attempt.log("reusing artifact " + artifact.id() + ", made by job "
                + artifact.jobId() + " of the same bytes in the same way"));
        return found.map(artifact ->
                () -> artifacts.commitReuse(attempt.lease(), artifact.id(), spec.target(), message(sourceUri, spec)));
    }

    static String message(String sourceUri, QuantizeSpec spec) {
        return "Quantize " + sourceUri + " with " + spec.scheme();
    }

    /**
     * @param source SHA-256 over the source's files
     * @param data SHA-256 of the calibration data
     */
    String key(QuantizeSpec spec, String source, Optional<String> data) {
        return Sha256.hex(String.join(
                "\n",
                "octavo artifact 1",
                engines.version(),
                source,
                data.orElse("none"),
                spec.recipeJson().toString()));
    }
}
