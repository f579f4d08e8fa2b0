package io.octavo.jobs.artifact;

import jakarta.persistence.Embeddable;

/**
 * Where an artifact comes from.
 *
 * @param source as the job named it
 * @param sourceRevision a revision's id, or {@code sha256:} over the file list of other sources
 */
@Embeddable
public record Lineage(String source, String sourceRevision, String scheme, String layout, String engineVersion) {}
