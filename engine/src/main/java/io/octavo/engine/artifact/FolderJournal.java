package io.octavo.engine.artifact;

import io.octavo.engine.request.JobJournal;
import io.octavo.engine.safetensors.DiskFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * A journal in a folder, made when it is needed.
 *
 * @param folder that nobody but journals writes into
 */
public record FolderJournal(Path folder) implements JobJournal {

    @Override
    public Optional<Path> find(String name) {
        return Optional.of(folder.resolve(name)).filter(Files::isRegularFile);
    }

    /** A file that is half written has another name. */
    @Override
    public Path keep(String name, Consumer<Path> write) {
        Path file = folder.resolve(name);
        Path unfinished = folder.resolve("." + name + "." + UUID.randomUUID());
        try {
            Files.createDirectories(folder);
            write.accept(unfinished);
            return Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw DiskFailure.writing(file, e);
        } finally {
            delete(unfinished);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DiskFailure.writing(file, e);
        }
    }
}
