package io.octavo.api.artifact;

import io.octavo.api.condition.Tagged;
import io.octavo.api.file.BlobDownload;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.api.report.ArtifactReport;
import io.octavo.api.report.ArtifactReports;
import io.octavo.api.report.ModelCard;
import io.octavo.api.report.ReportPage;
import io.octavo.engine.report.QualityChart;
import io.octavo.engine.request.EvaluationMetric;
import io.octavo.jobs.artifact.ArtifactComparison;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.deletion.Deletions;
import io.octavo.jobs.deletion.Restorations;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.swagger.v3.oas.annotations.Operation;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.Resource;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/artifacts")
class ArtifactController {

    private static final String SVG = "image/svg+xml";

    private final ArtifactService artifacts;
    private final BlobDownload downloads;
    private final ArtifactReports reports;
    private final Deletions deletions;
    private final Restorations restorations;

    ArtifactController(
            ArtifactService artifacts,
            BlobDownload downloads,
            ArtifactReports reports,
            Deletions deletions,
            Restorations restorations) {
        this.artifacts = artifacts;
        this.downloads = downloads;
        this.reports = reports;
        this.deletions = deletions;
        this.restorations = restorations;
    }

    @Operation(operationId = "listArtifacts", summary = "Lists artifacts, the newest first")
    @GetMapping
    Page<ArtifactRecord> list(
            Caller caller,
            @RequestParam(required = false) @Nullable String search,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return artifacts.list(caller.tenant(), SearchText.of(search), PageLimit.of(limit), TimeCursor.parse(cursor));
    }

    @Operation(
            operationId = "getArtifactComparison",
            summary = "Shows what was made of one source side by side: size against quality")
    @GetMapping("/comparison")
    ArtifactComparison comparison(Caller caller, @RequestParam String source) {
        return artifacts.comparison(caller.tenant(), Problems.read("source", () -> SourceUri.parse(source)));
    }

    @Operation(
            operationId = "getArtifactComparison",
            summary = "Shows what was made of one source side by side: size against quality")
    @GetMapping(path = "/comparison", produces = SVG)
    ResponseEntity<String> comparisonChart(Caller caller, @RequestParam String source) {
        ArtifactComparison compared = comparison(caller, source);
        List<QualityChart.Point> points = compared.artifacts().stream()
                .flatMap(artifact -> Stream.ofNullable(artifact.recovery())
                        .map(recovery -> new QualityChart.Point(artifact.label(), artifact.sizeBytes(), recovery)))
                .toList();
        return ResponseEntity.ok()
                .contentType(MediaType.valueOf(SVG))
                .header("Content-Security-Policy", "default-src 'none'")
                .body(QualityChart.svg(compared.source(), EvaluationMetric.RECOVERY, true, points));
    }

    @Operation(operationId = "getArtifact", summary = "Shows an artifact with its label, files and origin")
    @Tagged
    @GetMapping("/{id}")
    ArtifactRecord get(Caller caller, @PathVariable UUID id) {
        return artifacts.get(caller.tenant(), id);
    }

    /** With the revision that it was written as. */
    @Operation(operationId = "deleteArtifact", summary = "Deletes an artifact with the revision that it was written as")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(Caller caller, @PathVariable UUID id) {
        deletions.artifact(caller.tenant(), id);
    }

    @Operation(
            operationId = "restoreArtifact",
            summary = "Restores a deleted artifact with the revision that it was written as")
    @PostMapping("/{id}/restore")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void restore(Caller caller, @PathVariable UUID id) {
        restorations.artifact(caller.tenant(), id);
    }

    @Operation(
            operationId = "downloadArtifactFile",
            summary = "Downloads a file of an artifact, whole or a range of it")
    @GetMapping("/{id}/files/{*path}")
    ResponseEntity<Resource> file(
            Caller caller,
            @PathVariable UUID id,
            @PathVariable String path,
            HttpServletRequest request,
            HttpServletResponse response) {
        RepositoryFile file = artifacts.file(caller.tenant(), id, Problems.path(path));
        return downloads.answer(BlobId.of(file), file.path(), MediaType.APPLICATION_OCTET_STREAM, request, response);
    }

    @Operation(operationId = "getArtifactReport", summary = "Shows an artifact with what its self-check found")
    @GetMapping("/{id}/report")
    ArtifactReport report(Caller caller, @PathVariable UUID id) {
        return reports.of(caller.tenant(), id);
    }

    @Operation(operationId = "getArtifactReport", summary = "Shows an artifact with what its self-check found")
    @GetMapping(path = "/{id}/report", produces = MediaType.TEXT_HTML_VALUE)
    ResponseEntity<String> reportPage(Caller caller, @PathVariable UUID id) {
        return ResponseEntity.ok()
                .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
                .header("Content-Security-Policy", ReportPage.POLICY + "; frame-ancestors 'none'")
                .body(ReportPage.of(reports.of(caller.tenant(), id)));
    }

    @Operation(operationId = "getArtifactCard", summary = "Shows an artifact as a model card in Markdown")
    @GetMapping(path = "/{id}/card", produces = MediaType.TEXT_MARKDOWN_VALUE)
    ResponseEntity<String> card(Caller caller, @PathVariable UUID id) {
        return ResponseEntity.ok()
                .contentType(new MediaType(MediaType.TEXT_MARKDOWN, StandardCharsets.UTF_8))
                .body(ModelCard.of(reports.of(caller.tenant(), id)));
    }
}
