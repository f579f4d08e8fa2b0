package io.octavo.api.openapi;

import io.octavo.api.OnFreePort;
import io.octavo.api.TestWorker;
import io.octavo.jobs.identity.ApiKeys;
import io.octavo.jobs.identity.IssuedKey;
import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.worker.WorkerRegistry;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.ContextConfiguration;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.json.JsonMapper;

/** A service whose own document says what can be called, any number of times. */
@OnFreePort
@TestPropertySource(
        properties = {
            "octavo.identity.rate.per-second=1000000",
            "octavo.identity.rate.burst=1000000",
            "octavo.secrets.keys.a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "octavo.secrets.current=a"
        })
@ContextConfiguration(initializers = EmbeddedServices.class)
abstract class DocumentedService {

    @LocalServerPort
    int port;

    @Autowired
    ApiKeys keys;

    @Autowired
    WorkerRegistry workers;

    @Autowired
    JsonMapper json;

    /** An administrator's, beside a worker that offers a scheme. */
    final IssuedKey newKey(String name) {
        TestWorker.register(workers);
        return keys.issue(TenantId.BUILT_IN, name, Scope.ADMIN, null, "test");
    }
}
