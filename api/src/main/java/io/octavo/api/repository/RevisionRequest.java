package io.octavo.api.repository;

import io.octavo.api.problem.Problems;
import io.octavo.hub.NameClash;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.PlainText;
import io.octavo.wire.RepositoryFile;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A revision to commit. */
record RevisionRequest(
        @PlainText(lines = true) @Nullable String message,
        @NotNull List<@NotNull @Valid File> files) {

    record File(
            @NotNull @PlainText String path,
            @NotNull Long size,
            @NotNull @PlainText String sha256) {}

    String messageOrEmpty() {
        return message == null ? "" : message;
    }

    /** @throws ProblemException {@code invalid-request} for two names of which one would be lost on macOS or Windows */
    List<RepositoryFile> entries() {
        NameClash.among(files.stream().map(File::path).toList()).ifPresent(clash -> {
            Problems.read("files", () -> {
                throw new IllegalArgumentException(clash + "; rename one of them");
            });
        });
        return files.stream()
                .map(file -> new RepositoryFile(file.path(), file.size(), file.sha256()))
                .toList();
    }
}
