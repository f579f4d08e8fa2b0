package io.octavo.jobs.deployment;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.secret.SecretBox;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import io.octavo.wire.Page;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** The clients' side of deployments. */
@Service
@Transactional
public class Deployments {

    private final DeploymentTable table;
    private final JobService jobs;
    private final SecretBox box;

    Deployments(DeploymentTable table, JobService jobs, SecretBox box) {
        this.table = table;
        this.jobs = jobs;
        this.box = box;
    }

    static String place(UUID id) {
        return "deployment/" + id;
    }

    /**
     * One of this name that is over gives it up.
     *
     * @throws ProblemException {@code deployment-exists} if another one has the name, {@code secrets-not-configured}
     */
    public DeploymentView create(TenantId tenant, ServeSpec spec, FoundPlans plans) {
        box.seal("deployment", ""); // what cannot be kept is better refused than found out by a worker
        table.lockName(tenant, spec.servedName());
        table.findByName(tenant, spec.servedName()).ifPresent(earlier -> {
            if (!earlier.view().state().isTerminal()) {
                throw new ProblemException(
                        ProblemCode.DEPLOYMENT_EXISTS,
                        "deployment " + earlier.view().id() + " has the name " + spec.servedName()
                                + "; delete it first, or choose another name");
            }
            table.delete(tenant, earlier.view().id());
        });
        UUID id = jobs.submit(tenant, spec, plans).id();
        table.insert(tenant, id, spec);
        return get(tenant, id);
    }

    /** @throws ProblemException {@code deployment-not-found} */
    @Transactional(readOnly = true)
    public DeploymentView get(TenantId tenant, UUID id) {
        return table.find(tenant, id)
                .map(DeploymentTable.Row::view)
                .map(view -> whyItWaits(tenant, view))
                .orElseThrow(() -> notFound(id));
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<DeploymentView> list(TenantId tenant, Optional<String> name, PageLimit limit, TimeCursor cursor) {
        List<DeploymentView> found = table.page(tenant, name.orElse(""), cursor, limit.probe());
        return Page.of(found, limit.value(), view -> new TimeCursor(view.createdAt(), view.id()).toString())
                .map(view -> whyItWaits(tenant, view));
    }

    private DeploymentView whyItWaits(TenantId tenant, DeploymentView view) {
        return view.state() == DeploymentState.QUEUED
                ? DeploymentTable.waiting(view, jobs.get(tenant, view.id()).waiting())
                : view;
    }

    /**
     * Stops it; calls find it no more from now on. It is shown until its worker has told that it is over.
     *
     * @throws ProblemException {@code deployment-not-found}
     */
    public void delete(TenantId tenant, UUID id) {
        DeploymentView view = get(tenant, id);
        table.delete(tenant, id);
        if (!view.state().isTerminal() && view.state() != DeploymentState.STOPPING) {
            jobs.cancel(tenant, id);
        }
    }

    /**
     * Where calls go that name this model: the deployment of this name, else the one of this repository, one that is ready
     * before one that is not.
     */
    @Transactional(readOnly = true)
    public Optional<ServedRoute> route(TenantId tenant, String model) {
        return table.findByName(tenant, model)
                .or(() -> table.findByRepository(tenant, model))
                .map(this::route);
    }

    /** Those that answer calls, by name. */
    @Transactional(readOnly = true)
    public List<DeploymentView> ready(TenantId tenant) {
        return table.ready(tenant);
    }

    private ServedRoute route(DeploymentTable.Row row) {
        DeploymentView view = row.view();
        return new ServedRoute(
                view.id(),
                view.name(),
                view.state(),
                view.attempt(),
                row.endpoint(kept -> box.open(place(view.id()), kept)));
    }

    private static ProblemException notFound(UUID id) {
        return new ProblemException(ProblemCode.DEPLOYMENT_NOT_FOUND, "deployment " + id + " does not exist");
    }
}
