package io.octavo.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;

/** A client that goes away in the middle is a line of the log, not a stack trace. */
@Timeout(120)
@ServiceTest
@ExtendWith(OutputCaptureExtension.class)
class AbortedRequestTest {

    private static final String FILE = "/api/v1/repositories/octavo/aborted/files/f";

    @LocalServerPort
    int port;

    @BeforeEach
    void tellWhatOperatorsSee() {
        LoggingSystem.get(getClass().getClassLoader()).setLogLevel("io.octavo", LogLevel.INFO);
    }

    @Test
    void anUploadThatStops(CapturedOutput log) throws Exception {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request("PUT", FILE, "Content-Length: 100000\r\n", "half"));
            socket.getOutputStream().flush();
        }
        requireOneLine(log, "PUT " + FILE);
    }

    @Test
    void anUploadInChunksThatStops(CapturedOutput log) throws Exception {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request("PUT", FILE, "Transfer-Encoding: chunked\r\n", "10\r\nhalf"));
            socket.getOutputStream().flush();
        }
        requireOneLine(log, "PUT " + FILE);
    }

    @Test
    void aJsonBodyThatStops(CapturedOutput log) throws Exception {
        try (Socket socket = connect()) {
            String type = "Content-Type: application/json\r\nContent-Length: 100000\r\n";
            socket.getOutputStream().write(request("POST", "/api/v1/jobs", type, "{\"type\":"));
            socket.getOutputStream().flush();
        }
        requireOneLine(log, "POST /api/v1/jobs");
    }

    @Test
    void aDownloadThatStops(CapturedOutput log) throws Exception {
        TestApi operator = new TestApi(port, ApiTest.KEY);
        String stored = operator.put(FILE, new byte[64 << 20]).body();
        assertThat(operator.post("/api/v1/repositories/octavo/aborted/revisions", "{\"files\":[" + stored + "]}")
                        .statusCode())
                .isEqualTo(201);
        try (Socket socket = connect()) {
            socket.setSoLinger(true, 0);
            socket.getOutputStream().write(request("GET", FILE, "", ""));
            socket.getOutputStream().flush();
            assertThat(socket.getInputStream().read()).isEqualTo('H');
        }
        Awaitility.await()
                .during(Duration.ofSeconds(1))
                .atMost(Duration.ofSeconds(3))
                .untilAsserted(() -> assertThat(log.toString()).doesNotContain("\tat ", "Exception"));
    }

    private static void requireOneLine(CapturedOutput log, String call) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> log.toString().contains("went away"));
        assertThat(log.toString().lines().filter(line -> line.contains("went away")))
                .singleElement()
                .asString()
                .contains(call);
        assertThat(log.toString()).doesNotContain("\tat ", "Exception");
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }

    private static byte[] request(String method, String path, String headers, String body) {
        return (method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + ApiTest.KEY + "\r\n"
                        + headers + "\r\n" + body)
                .getBytes(UTF_8);
    }
}
