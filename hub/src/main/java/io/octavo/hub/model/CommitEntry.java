package io.octavo.hub.model;

import java.time.Instant;
import java.util.List;

/**
 * A revision in a history.
 *
 * @param title first line of what was said of it; {@code message} is the rest
 * @param authors of whom nothing is told: the audit log knows, and is for administrators
 */
public record CommitEntry(String id, String title, String message, List<String> authors, Instant date) {

    public CommitEntry {
        authors = List.copyOf(authors);
    }

    public static CommitEntry of(String id, String text, Instant date) {
        int end = text.indexOf('\n');
        return end < 0
                ? new CommitEntry(id, text, "", List.of(), date)
                : new CommitEntry(
                        id, text.substring(0, end), text.substring(end + 1).strip(), List.of(), date);
    }
}
