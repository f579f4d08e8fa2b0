package io.octavo.jobs.source;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a source holds.
 *
 * @param uri with the revision pinned, where the source has revisions
 * @param revision where the source has revisions
 */
public record SourceListing(String uri, Optional<String> revision, List<SourceFile> files) {

    public SourceListing {
        files = List.copyOf(files);
    }

    /** Bytes of each file by its path. */
    public Map<String, Long> sizes() {
        return files.stream().collect(Collectors.toMap(file -> file.path().value(), SourceFile::size));
    }

    /**
     * Part of a file; the caller closes the stream.
     *
     * @throws IllegalArgumentException if there is no such file
     */
    public InputStream open(String path, long offset, long length) throws IOException {
        return files.stream()
                .filter(file -> file.path().value().equals(path))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no file " + path))
                .content()
                .open(offset, length);
    }
}
