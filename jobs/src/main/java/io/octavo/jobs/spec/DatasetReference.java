package io.octavo.jobs.spec;

import io.octavo.jobs.repository.RepositoryPath;
import org.jspecify.annotations.Nullable;

/**
 * One file of data, or a folder of them.
 *
 * @param path the file inside a repository; when absent the repository holds exactly one text or JSONL file. Always
 *     absent for other sources, which name the file themselves. Of a folder, what lies in it
 * @param folder whether what is read are MMLU's CSV files, of which there are two a subject
 */
public record DatasetReference(SourceUri source, @Nullable RepositoryPath path, boolean folder) {

    public DatasetReference {
        if (source instanceof SourceUri.Step) {
            throw new IllegalArgumentException("must not be what a step makes, which is a checkpoint");
        }
    }

    public DatasetReference(SourceUri source, @Nullable RepositoryPath path) {
        this(source, path, false);
    }

    DatasetReference asFolder() {
        return new DatasetReference(source, path, true);
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
