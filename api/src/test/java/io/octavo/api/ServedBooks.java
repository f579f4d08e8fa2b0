package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.deployment.DeploymentWork;
import io.octavo.jobs.deployment.ServedEndpoint;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.WorkerIdentity;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;

/** A model that was deployed as {@code books}, and a worker that could serve it. */
@ServiceTest
@TestPropertySource(
        properties = {
            "spring.application.name=served-calls", // so that it has a database of its own
            "octavo.api.serve.calls-per-tenant=4"
        })
abstract class ServedBooks extends RunningService {

    @Autowired
    DeploymentWork work;

    final FakeWorker worker;
    TestApi api = new TestApi(0, null);

    ServedBooks() throws IOException {
        worker = new FakeWorker();
    }

    @BeforeEach
    void deploy() throws Exception {
        api = operator();
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, deployment")
                .update();
        TestWorker.register(workers);
        if (api.get("/api/v1/repositories/octavo/books").statusCode() == 404) {
            api.commitRunnableModel("octavo/books");
        }
        HttpResponse<String> deployed = api.post("/api/v1/deployments", "{\"source\":\"hub:octavo/books\"}");
        assertThat(deployed.statusCode()).as(deployed.body()).isEqualTo(202);
    }

    @AfterEach
    void closeWorker() {
        worker.close();
    }

    /** The worker takes it and may be called with the secret. */
    final Lease ready(String secret) {
        Lease lease = queue.claim(new WorkerIdentity(UUID.randomUUID(), "worker"), Set.of("serve"))
                .orElseThrow()
                .lease();
        work.ready(lease, new ServedEndpoint(worker.url(), secret, 512));
        return lease;
    }
}
