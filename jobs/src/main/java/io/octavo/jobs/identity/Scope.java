package io.octavo.jobs.identity;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a caller may do; each includes those before it. */
public enum Scope {
    /** Look at jobs, artifacts and repositories. */
    READ,
    /** Also submit, cancel and retry jobs, and upload. */
    SUBMIT,
    /** Also delete and restore jobs, artifacts and repositories, and say how long they keep revisions. */
    DELETE,
    /** Also manage the tenant's keys and webhooks, and read its audit log. */
    ADMIN;

    public String slug() {
        return name().toLowerCase(Locale.ROOT);
    }

    public boolean includes(Scope other) {
        return compareTo(other) >= 0;
    }

    public static Optional<Scope> find(String slug) {
        return Arrays.stream(values())
                .filter(scope -> scope.slug().equals(slug))
                .findFirst();
    }

    /** @throws IllegalArgumentException naming those that exist */
    public static Scope parse(String slug) {
        return find(slug)
                .orElseThrow(() -> new IllegalArgumentException("must be one of "
                        + Arrays.stream(values()).map(Scope::slug).collect(Collectors.joining(", ")) + ": " + slug));
    }
}
