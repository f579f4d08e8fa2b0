package io.octavo.api.repository;

import io.octavo.jobs.repository.FileEntry;
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

    List<FileEntry> entries() {
        return files.stream()
                .map(file -> new FileEntry(file.path(), file.size(), file.sha256()))
                .toList();
    }
}
