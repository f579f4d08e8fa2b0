package io.octavo.api.repository;

import io.octavo.wire.RepositoryFile;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A revision to commit. */
record RevisionRequest(@Nullable String message, @NotNull List<@NotNull @Valid File> files) {

    record File(
            @NotNull String path,
            @NotNull Long size,
            @NotNull String sha256) {}

    String messageOrEmpty() {
        return message == null ? "" : message;
    }

    List<RepositoryFile> entries() {
        return files.stream()
                .map(file -> new RepositoryFile(file.path(), file.size(), file.sha256()))
                .toList();
    }
}
