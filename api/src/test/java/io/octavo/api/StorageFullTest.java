package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.testing.EmbeddedServices;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** A service whose disk has less free than it is told to leave alone. */
@Timeout(120)
@OnFreePort
@TestPropertySource(properties = {"octavo.storage.spare=8000000TB"})
class StorageFullTest {

    @TempDir
    static Path folder;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        String url = EmbeddedServices.newDatabase();
        registry.add("octavo.database.url", () -> url);
        registry.add("octavo.storage.endpoint", () -> folder.toUri().toString());
    }

    @LocalServerPort
    int port;

    @Test
    void itSaysSoInAnswersHealthAndReadinessAndStaysAlive() throws Exception {
        TestApi operator = new TestApi(port, ApiTest.KEY);
        assertProblem(operator.put("/api/v1/repositories/a/b/files/f", new byte[] {1}), 507, "storage-full");
        assertThat(operator.get("/actuator/health").statusCode()).isEqualTo(503);
        assertThat(operator.get("/actuator/health/readiness").statusCode()).isEqualTo(503);
        assertThat(operator.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
        assertThat(operator.get("/api/v1/repositories").statusCode()).isEqualTo(200);
    }
}
