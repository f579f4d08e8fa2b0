package io.octavo.api.report;

import io.octavo.engine.label.VllmServing;
import io.octavo.jobs.artifact.ArtifactRecord;
import tools.jackson.databind.JsonNode;

/**
 * @param serving by vLLM, once the artifact is pulled into a folder of its name
 * @param verification what reading the artifact back showed, as its worker wrote it
 */
public record ArtifactReport(ArtifactRecord artifact, VllmServing serving, JsonNode verification) {}
