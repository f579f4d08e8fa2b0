package io.octavo.engine.request;

import java.util.List;

/**
 * Modules that get another scheme than the rest; the first override that names a module counts.
 *
 * @param targets exact names of Linear modules or {@code re:<regex>}
 */
public record SchemeOverride(String scheme, List<String> targets) {

    public SchemeOverride {
        targets = List.copyOf(targets);
    }
}
