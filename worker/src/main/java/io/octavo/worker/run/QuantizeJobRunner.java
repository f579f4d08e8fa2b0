package io.octavo.worker.run;

import io.octavo.engine.Engine;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.jobs.artifact.ArtifactLabel;
import io.octavo.jobs.artifact.Lineage;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.journal.JobJournals;
import io.octavo.jobs.source.SourceListing;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.wire.PlanSummary;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.source.ResolvedDataset;
import io.octavo.worker.source.ResolvedSource;
import io.octavo.worker.source.SourceResolver;
import java.nio.file.Path;
import java.util.Optional;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.ObjectNode;

/** Fetches a checkpoint, quantizes and verifies it, stores the files, and commits them as an artifact. */
@Component
class QuantizeJobRunner {

    private static final double FETCHED = 0.1;
    private static final double QUANTIZED = 0.85;

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final ArtifactUpload upload;
    private final ArtifactReuse reuse;
    private final JobJournals journals;
    private final BlobStore blobs;
    private final DeviceProperties device;

    QuantizeJobRunner(
            SourceResolver sources,
            EngineFactory engines,
            ArtifactUpload upload,
            ArtifactReuse reuse,
            JobJournals journals,
            BlobStore blobs,
            DeviceProperties device) {
        this.sources = sources;
        this.engines = engines;
        this.upload = upload;
        this.reuse = reuse;
        this.journals = journals;
        this.blobs = blobs;
        this.device = device;
    }

    /** @param planned what was found when the job was submitted */
    Runnable run(QuantizeSpec spec, Optional<PlanSummary> planned, Attempt attempt, JobScratch scratch) {
        long started = System.nanoTime();
        attempt.phase("resolve");
        SourceListing listing = sources.list(attempt.tenant(), spec.source());
        Optional<Runnable> made = reuse.find(spec, listing, attempt);
        if (made.isPresent()) {
            return made.get();
        }
        requireFeasible(spec, planned, listing, attempt);
        attempt.phase("fetch");
        ResolvedSource source = sources.checkpoint(listing, scratch.folder("source"), attempt.section(0, FETCHED));
        Optional<ResolvedDataset> data = data(spec, attempt, scratch);
        String contentKey = reuse.key(spec, source.contents(), data.map(ResolvedDataset::contents));
        made = reuse.find(spec, contentKey, source.uri(), attempt);
        if (made.isPresent()) {
            return made.get();
        }
        Path output = scratch.place("output");
        QuantizationRequest request = request(spec, source, data, output);
        QuantizationResult result;
        ArtifactLabel label;
        try (Engine engine = engines.open(device.asWanted(spec.device()));
                var journal = new AttemptJournal(journals, blobs, attempt, contentKey, scratch.place("journal"))) {
            result = quantize(engine, request.withJournal(journal), source, attempt);
            label = ArtifactLabels.of(engine, output, result.weightBits());
        }
        ObjectNode facts = upload.facts(result, started).put("quantizedModules", result.quantizedModules());
        return upload.store(
                attempt,
                QUANTIZED,
                output,
                result,
                new ArtifactUpload.Making(
                        spec.target(),
                        ArtifactReuse.message(source.uri(), spec),
                        label,
                        new Lineage(
                                spec.source().toString(),
                                source.revision(),
                                spec.scheme(),
                                spec.layout(),
                                engines.version()),
                        Optional.of(contentKey)),
                result.verification(),
                facts);
    }

    /**
     * Headers tell in a second what would otherwise fail after the download. What was found of the same revision before
     * need not be found again.
     */
    private void requireFeasible(
            QuantizeSpec spec, Optional<PlanSummary> planned, SourceListing listing, Attempt attempt) {
        Optional<PlanSummary> known = planned.filter(plan -> plan.revision() != null)
                .filter(plan -> listing.revision().equals(Optional.ofNullable(plan.revision())));
        if (known.isPresent()) {
            sources.requireRoom(listing, known.get().outputBytes());
            return;
        }
        attempt.phase("plan");
        PlanReport plan = engines.plan(new CheckpointFiles(listing.sizes(), listing::open), spec.recipe());
        attempt.log("%s will become %s: %d modules of %d bytes quantized to %d bytes"
                .formatted(
                        listing.uri(), plan.label(), plan.quantizedModules(), plan.inputBytes(), plan.outputBytes()));
        sources.requireRoom(listing, plan.outputBytes());
    }

    private Optional<ResolvedDataset> data(QuantizeSpec spec, Attempt attempt, JobScratch scratch) {
        return spec.calibration()
                .map(data -> sources.dataset(
                        attempt.tenant(), data.dataset(), scratch.folder("calibration"), attempt.section(0, FETCHED)));
    }

    private static QuantizationRequest request(
            QuantizeSpec spec, ResolvedSource source, Optional<ResolvedDataset> data, Path output) {
        return new QuantizationRequest(
                source.folder(), output, spec.recipe(), data.map(ResolvedDataset::path), source.files());
    }

    private static QuantizationResult quantize(
            Engine engine, QuantizationRequest request, ResolvedSource source, Attempt attempt) {
        attempt.uses(engine);
        attempt.log("quantizing " + source.uri() + " with " + request.recipe().scheme() + " on " + engine.device());
        return engine.quantize(request, attempt.section(FETCHED, QUANTIZED));
    }
}
