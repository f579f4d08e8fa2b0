package io.octavo.cli;

import io.octavo.cli.command.ItemTable;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Deployments for people. */
final class DeploymentTable {

    private static final ItemTable TABLE = new ItemTable()
            .text("ID", "/id")
            .text("NAME", "/name")
            .text("STATE", "/state")
            .text("SOURCE", "/source")
            .text("TOKENS", "/maxModelLength")
            .text("RUNNING", "/health/running")
            .text("WORKER", "/worker")
            .time("CREATED", "/createdAt")
            .time("EXPIRES", "/expiresAt");

    private DeploymentTable() {}

    static String of(List<JsonNode> deployments) {
        return TABLE.of(deployments);
    }

    /** Why it will not answer. */
    static String problem(JsonNode deployment) {
        JsonNode problem = deployment.path("problem");
        return problem.isObject()
                ? problem.path("detail").asString("") + " ["
                        + problem.path("code").asString("") + "]"
                : "deployment " + deployment.path("name").asString("") + " was stopped";
    }
}
