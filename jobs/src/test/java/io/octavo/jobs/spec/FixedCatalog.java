package io.octavo.jobs.spec;

import java.util.List;

/** What workers offer, without workers; a catalog that lists nothing allows everything. */
record FixedCatalog(List<SchemeInfo> schemes, List<String> layouts) implements SchemeCatalog {

    static final FixedCatalog ANYTHING = new FixedCatalog(List.of(), List.of());
}
