package io.octavo.jobs.repository;

import java.util.Locale;

/** What names a revision: a branch moves with what is committed to it, a tag stays. */
public enum RefType {
    BRANCH,
    TAG;

    String slug() {
        return name().toLowerCase(Locale.ROOT);
    }
}
