package io.octavo.cli.command;

import io.octavo.hub.RepositoryName;
import java.util.Optional;

/** A repository and perhaps one of its revisions, {@code NS/NAME[@REV]}. */
public record RepositoryReference(RepositoryName name, Optional<String> revision) {

    /** @throws UsageException if it is none */
    public static RepositoryReference parse(String text) {
        int at = text.indexOf('@');
        if (at == text.length() - 1) {
            throw new UsageException("'" + text + "' names no revision after '@'");
        }
        return at < 0
                ? new RepositoryReference(Arguments.repository(text), Optional.empty())
                : new RepositoryReference(
                        Arguments.repository(text.substring(0, at)), Optional.of(text.substring(at + 1)));
    }

    /** Its revision, or the newest. */
    public String revisionOrMain() {
        return revision.orElse("main");
    }
}
