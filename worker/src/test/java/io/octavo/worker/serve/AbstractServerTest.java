package io.octavo.worker.serve;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Calls of a server that asks for no key. */
@SuppressWarnings("NullAway.Init")
abstract class AbstractServerTest {

    TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(null);
    }

    @AfterEach
    void stop() {
        server.close();
    }
}
