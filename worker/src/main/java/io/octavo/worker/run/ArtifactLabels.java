package io.octavo.worker.run;

import io.octavo.engine.Engine;
import io.octavo.engine.label.Label;
import io.octavo.engine.request.HashedFile;
import io.octavo.jobs.artifact.ArtifactLabel;
import io.octavo.wire.RepositoryFile;
import java.nio.file.Path;
import java.util.List;

/** Tells the service in its own words what an engine made. */
final class ArtifactLabels {

    private ArtifactLabels() {}

    /** @param weightBits measured by whoever wrote the artifact */
    static ArtifactLabel of(Engine engine, Path artifact, double weightBits) {
        Label label = engine.label(artifact);
        return new ArtifactLabel(label.text(), weightBits, label.executions(), label.warnings());
    }

    static List<RepositoryFile> entries(List<HashedFile> files) {
        return files.stream()
                .map(file -> new RepositoryFile(file.path(), file.size(), file.sha256()))
                .toList();
    }
}
