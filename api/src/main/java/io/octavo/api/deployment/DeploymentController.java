package io.octavo.api.deployment;

import io.octavo.api.condition.Tagged;
import io.octavo.api.identity.Caller;
import io.octavo.api.plan.JobPreFlight;
import io.octavo.api.plan.PlanView;
import io.octavo.jobs.deployment.Deployments;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.plan.JobPlan;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.DeploymentView;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import java.net.URI;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

@RestController
@RequestMapping("/api/v1/deployments")
class DeploymentController {

    private final Deployments deployments;
    private final JobSpecReader reader;
    private final JobPreFlight preFlight;

    DeploymentController(Deployments deployments, JobSpecReader reader, JobPreFlight preFlight) {
        this.deployments = deployments;
        this.reader = reader;
        this.preFlight = preFlight;
    }

    /** Of the revision that is the newest now, whichever will be when a worker takes it. */
    @Operation(operationId = "createDeployment", summary = "Serves a model, once a worker has loaded it")
    @PostMapping
    @ResponseStatus(HttpStatus.ACCEPTED)
    ResponseEntity<DeploymentView> create(Caller caller, @RequestBody JsonNode body) {
        ServeSpec asked = reader.readDeployment(body);
        PlanView plan = preFlight.plan(caller.tenant(), asked);
        ServeSpec spec = plan.inputs().stream()
                .map(JobPlan.Input::revision)
                .filter(Objects::nonNull)
                .findFirst()
                .map(asked::pinned)
                .orElse(asked);
        DeploymentView deployment = deployments.create(caller.tenant(), spec, plan.found());
        return ResponseEntity.accepted()
                .location(URI.create("/api/v1/deployments/" + deployment.id()))
                .body(deployment);
    }

    @Operation(operationId = "listDeployments", summary = "Lists deployments, the newest first")
    @GetMapping
    Page<DeploymentView> list(
            Caller caller,
            @RequestParam(required = false) @Nullable String name,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return deployments.list(
                caller.tenant(), Optional.ofNullable(name), PageLimit.of(limit), TimeCursor.parse(cursor));
    }

    @Operation(operationId = "getDeployment", summary = "Shows a deployment")
    @Tagged
    @GetMapping("/{id}")
    DeploymentView get(Caller caller, @PathVariable UUID id) {
        return deployments.get(caller.tenant(), id);
    }

    @Operation(operationId = "deleteDeployment", summary = "Stops a deployment, and forgets it once it is over")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(Caller caller, @PathVariable UUID id) {
        deployments.delete(caller.tenant(), id);
    }
}
