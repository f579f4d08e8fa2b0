package io.octavo.wire;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A model that is served, or is to be, as it stood at one moment.
 *
 * @param id of its job, too
 * @param name by which calls name it
 * @param source with the revision that was asked for
 * @param repository of this service, by which calls may name it as well; null of other sources
 * @param attempt how many workers have taken it
 * @param spec what was asked for
 * @param maxModelLength most tokens of a prompt and its text together; null until it was ready once
 * @param readyAt when its worker began to answer; null unless it is ready
 * @param expiresAt when its time is up; null where it has none, or was never ready
 * @param usedAt when a call came last, or it was ready, to the few seconds between two reports of its worker
 * @param health as its worker told last; null unless it is ready
 * @param worker the one that has it, or had it last
 * @param problem why it failed, or why its last attempt did
 * @param waiting why no worker has it yet, if it is queued
 */
public record DeploymentView(
        UUID id,
        String name,
        DeploymentState state,
        String source,
        @Nullable String repository,
        int attempt,
        JsonNode spec,
        @Nullable Integer maxModelLength,
        Instant createdAt,
        @Nullable Instant readyAt,
        @Nullable Instant expiresAt,
        @Nullable Instant usedAt,
        @Nullable DeploymentHealth health,
        @Nullable String worker,
        JobView.@Nullable JobProblem problem,
        JobView.@Nullable Waiting waiting) {}
