package io.octavo.api;

import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.worker.WorkerRegistry;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;

/** A service that runs, and what tests reach of it beside its calls. */
abstract class RunningService {

    @LocalServerPort
    int port;

    @Autowired
    JobQueue queue;

    @Autowired
    WorkerRegistry workers;

    @Autowired
    JdbcClient sql;

    /** Whom the service knows from its start. */
    final TestApi operator() {
        return new TestApi(port, ApiTest.KEY);
    }
}
