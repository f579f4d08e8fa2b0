package io.octavo.cli.command;

import io.octavo.hub.RepositoryName;
import java.util.UUID;

/** Reads what several commands take, and says what is wrong with it in terms of the command line. */
public final class Arguments {

    private Arguments() {}

    public static RepositoryName repository(String text) {
        try {
            return RepositoryName.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("repository '" + text + "' " + e.getMessage());
        }
    }

    public static UUID id(String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("an id looks like 123e4567-e89b-12d3-a456-426614174000, not '" + text + "'");
        }
    }
}
