package io.octavo.engine.artifact;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Collectors;

/** SHA-256 of the files that an artifact is made from, each computed once, in the background, unless it is known. For one thread. */
public final class SourceHashes {

    private final Checkpoint source;
    private final List<Path> sideFiles;
    private final Map<String, HashedFile> known;
    private final BackgroundTasks background;
    private final List<Future<HashedFile>> hashes = new ArrayList<>();

    /** @param sideFiles of the source, relative to its folder, that the artifact keeps */
    public SourceHashes(Checkpoint source, List<Path> sideFiles, List<HashedFile> known, BackgroundTasks background) {
        this.source = source;
        this.sideFiles = List.copyOf(sideFiles);
        this.known = known.stream().collect(Collectors.toMap(HashedFile::path, Function.identity()));
        this.background = background;
    }

    /**
     * Begins to hash them, if that has not begun.
     *
     * @throws QuantizationException {@code IO_FAILED} if a file has not the size that is known of it
     */
    public void begin() {
        if (hashes.isEmpty()) {
            hashes.add(hash(Path.of(ConfigJson.FILE_NAME)));
            source.shards().stream()
                    .map(SafetensorsFile::path)
                    .map(Path::getFileName)
                    .forEach(file -> hashes.add(hash(file)));
            sideFiles.forEach(file -> hashes.add(hash(file)));
        }
    }

    private Future<HashedFile> hash(Path relative) {
        Path file = source.folder().resolve(relative);
        HashedFile told = known.get(FileDigest.name(relative));
        if (told == null) {
            return background.submit(() -> FileDigest.of(file, relative));
        }
        FileDigest.requireSize(file, told);
        return CompletableFuture.completedFuture(told);
    }

    /** All of them, by path; throws as {@link #begin} does. */
    public List<HashedFile> await(JobMonitor monitor) {
        begin();
        return ArtifactFiles.await(hashes, monitor);
    }
}
