package io.octavo.jobs.spec;

import io.octavo.jobs.repository.RepositoryPath;
import org.jspecify.annotations.Nullable;

/**
 * One file of data.
 *
 * @param path the file inside a repository; when absent the repository holds exactly one text or JSONL file. Always
 *     absent for other sources, which name the file themselves
 */
public record DatasetReference(SourceUri source, @Nullable RepositoryPath path) {

    public DatasetReference {
        if (source instanceof SourceUri.Step) {
            throw new IllegalArgumentException("dataset cannot be what a step makes, which is a checkpoint");
        }
    }

    public static DatasetReference parse(String text) {
        int hash = text.startsWith("hub:") ? text.indexOf('#') : -1;
        return hash < 0
                ? new DatasetReference(SourceUri.parse(text), null)
                : new DatasetReference(
                        SourceUri.parse(text.substring(0, hash)), new RepositoryPath(text.substring(hash + 1)));
    }

    @Override
    public String toString() {
        return path == null ? source.toString() : source + "#" + path;
    }
}
