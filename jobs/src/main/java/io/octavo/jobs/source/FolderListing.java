package io.octavo.jobs.source;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.spec.SourceUri;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Lists folders of this machine, only inside those that the operator allowed. Links are followed as long as they stay
 * inside. They are the operator's, so only the built-in tenant reads them. The answer for what is outside does not tell
 * whether it exists.
 */
@Component
class FolderListing {

    private static final int MAX_FILES = 10_000;

    private final List<Path> allowed;

    FolderListing(FolderProperties properties) {
        this.allowed = properties.folders();
    }

    boolean areAllowed() {
        return !allowed.isEmpty();
    }

    SourceListing list(TenantId tenant, SourceUri.LocalFile source) {
        requireOperator(tenant, source);
        Path folder = requireAllowed(source, Path.of(source.path()));
        List<SourceFile> files = new ArrayList<>();
        try {
            collect(source, folder, folder, files);
        } catch (IOException e) {
            throw notReadable(source, e);
        }
        if (files.isEmpty()) {
            throw new ProblemException(ProblemCode.SOURCE_NOT_FOUND, "source " + source + " holds no files");
        }
        return new SourceListing(source.toString(), Optional.empty(), files);
    }

    private void collect(SourceUri.LocalFile source, Path root, Path folder, List<SourceFile> files)
            throws IOException {
        try (Stream<Path> entries = Files.list(folder).sorted()) {
            for (Path entry : entries.toList()) {
                if (entry.getFileName().toString().startsWith(".")) {
                    continue;
                }
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    collect(source, root, entry, files);
                } else {
                    files.add(file(
                            source,
                            requireAllowed(source, entry),
                            root.relativize(entry).toString()));
                }
                requireFew(source, files);
            }
        }
    }

    private static void requireFew(SourceUri.LocalFile source, List<SourceFile> files) {
        if (files.size() > MAX_FILES) {
            throw new ProblemException(
                    ProblemCode.SOURCE_TOO_LARGE, "source " + source + " has more than " + MAX_FILES + " files");
        }
    }

    SourceFile file(TenantId tenant, SourceUri.LocalFile source) {
        requireOperator(tenant, source);
        Path file = requireAllowed(source, Path.of(source.path()));
        return file(source, file, file.getFileName().toString());
    }

    private static SourceFile file(SourceUri.LocalFile source, Path real, String path) {
        try {
            if (!Files.isRegularFile(real, LinkOption.NOFOLLOW_LINKS)) {
                throw new ProblemException(
                        ProblemCode.SOURCE_NOT_FOUND, "source " + source + " has something that is not a file");
            }
            return new SourceFile(
                    new RepositoryPath(path),
                    Files.size(real),
                    Optional.empty(),
                    (offset, length) -> open(real, offset));
        } catch (IOException e) {
            throw notReadable(source, e);
        } catch (IllegalArgumentException e) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_ALLOWED, "source " + source + " has a file whose path " + e.getMessage(), e);
        }
    }

    private static InputStream open(Path file, long offset) throws IOException {
        SeekableByteChannel channel = Files.newByteChannel(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
        try {
            return Channels.newInputStream(channel.position(offset));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    static void requireOperator(TenantId tenant, SourceUri.LocalFile source) {
        if (!tenant.equals(TenantId.BUILT_IN)) {
            throw notAllowed(source, null);
        }
    }

    /** The real path, if it lies in an allowed folder. */
    private Path requireAllowed(SourceUri.LocalFile source, Path path) {
        try {
            Path real = path.toRealPath();
            for (Path folder : allowed) {
                if (real.startsWith(folder.toRealPath())) {
                    return real;
                }
            }
            throw notAllowed(source, null);
        } catch (IOException e) {
            throw notAllowed(source, e);
        }
    }

    static ProblemException notAllowed(SourceUri.LocalFile source, @Nullable Exception cause) {
        return new ProblemException(
                ProblemCode.SOURCE_NOT_ALLOWED,
                "source " + source + " is not inside a folder that the operator allowed, or does not exist",
                cause);
    }

    private static ProblemException notReadable(SourceUri.LocalFile source, IOException cause) {
        return new ProblemException(
                ProblemCode.SOURCE_NOT_FOUND, "source " + source + " cannot be read as a folder of files", cause);
    }
}
