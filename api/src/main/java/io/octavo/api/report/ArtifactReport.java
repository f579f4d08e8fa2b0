package io.octavo.api.report;

import io.octavo.jobs.artifact.ArtifactRecord;
import tools.jackson.databind.JsonNode;

/** @param verification what reading the artifact back showed, as its worker wrote it */
public record ArtifactReport(ArtifactRecord artifact, JsonNode verification) {}
