package io.octavo.jobs.spec;

import java.util.List;

/** Which schemes and layouts this service can write; the engines behind it know. */
public interface SchemeCatalog {

    /** In the order to show them; empty as long as no engine has reported any. */
    List<SchemeInfo> schemes();

    /** Names of layouts; empty as long as no engine has reported any. */
    List<String> layouts();
}
