package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.TestPropertySource;

/** Bodies that never come to their end hold memory, so that there is a limit for all of them together. */
@Timeout(120)
@ServiceTest
@TestPropertySource(properties = "octavo.api.json-bodies-at-once=1MB")
class BodyRoomTest {

    private static final String LONG = "{\"name\":\"" + " ".repeat(700_000) + "\"}";

    @LocalServerPort
    int port;

    /** All but the end. */
    private Socket stall(int bytes) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        String head = "POST /api/v1/tenants HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + ApiTest.KEY
                + "\r\nContent-Type: application/json\r\nContent-Length: " + (bytes + 1) + "\r\n\r\n";
        socket.getOutputStream().write((head + " ".repeat(bytes)).getBytes(ISO_8859_1));
        return socket;
    }

    @Test
    void longBodiesHaveOnlySoMuchRoomTogether() throws Exception {
        TestApi api = new TestApi(port, ApiTest.KEY);
        assertProblem(api.post("/api/v1/tenants", LONG), 400, "invalid-request");
        try (Socket stalled = stall(700_000);
                Socket small = stall(4000)) {
            Awaitility.await().until(() -> api.post("/api/v1/tenants", LONG).statusCode() == 429);
            var refused = api.post("/api/v1/tenants", LONG);
            assertProblem(refused, 429, "rate-limited");
            assertThat(refused.headers().firstValue("Retry-After")).hasValue("1");
            assertProblem(api.post("/api/v1/tenants", "{}"), 400, "invalid-request");
            assertThat(stalled.isConnected() && small.isConnected()).isTrue();
        }
        Awaitility.await().until(() -> api.post("/api/v1/tenants", LONG).statusCode() == 400);
    }
}
