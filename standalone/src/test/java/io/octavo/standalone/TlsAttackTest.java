package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * What strangers can do to the port of a service that speaks TLS on all addresses: whatever they send, they are answered or
 * cut off in bounded time, others are served meanwhile, and the log has no stack trace.
 */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class TlsAttackTest {

    /** Of the server with whoever says nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Of the test with the server: several times that, on a busy machine. */
    private static final int AT_MOST_MILLIS = 20_000;

    private static final int IDLE = 400;
    private static final int ALERT = 0x15;
    private static final int PROTOCOL_VERSION = 70;

    @TempDir
    private static Path folder;

    private static Standalone service;
    private static SSLContext trusting;
    private static HttpClient client;
    private static int port;

    @BeforeAll
    static void start() throws Exception {
        SelfSigned signed = SelfSigned.in(folder);
        var listen = new HashMap<String, Object>(Map.of(
                "server.address",
                "0.0.0.0",
                "server.ssl.bundle",
                "octavo",
                "spring.ssl.bundle.pem.octavo.keystore.certificate",
                signed.certificate().toUri(),
                "spring.ssl.bundle.pem.octavo.keystore.private-key",
                signed.key().toUri(),
                "server.tomcat.connection-timeout",
                PATIENCE.toMillis() + "ms"));
        service = Standalone.start(new StandaloneOptions(folder.resolve("home"), 0, List.of(), listen));
        port = URI.create(service.baseUrl()).getPort();
        trusting = trusting(signed.certificate());
        client = HttpClient.newBuilder().sslContext(trusting).build();
    }

    @AfterAll
    static void stop() {
        client.close();
        service.close();
    }

    private static SSLContext trusting(Path certificate) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream content = Files.newInputStream(certificate)) {
            store.setCertificateEntry(
                    "a", CertificateFactory.getInstance("X.509").generateCertificate(content));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** Whoever comes next is served, and the log has lines at most. */
    @AfterEach
    void nothingIsLeftOfIt(CapturedOutput log) throws Exception {
        servesOthers();
        assertThat(log.getAll()).doesNotContain("\tat ").doesNotContain(" ERROR ");
    }

    private static void servesOthers() throws Exception {
        try (HttpClient another = HttpClient.newBuilder().sslContext(trusting).build()) {
            assertServes(another);
        }
        assertServes(client);
    }

    private static void assertServes(HttpClient by) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(service.baseUrl() + "/api/v1/jobs"))
                .header("Authorization", "Bearer " + service.apiKey())
                .timeout(Duration.ofMillis(AT_MOST_MILLIS))
                .build();
        assertThat(by.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
    }

    private static Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(AT_MOST_MILLIS);
        return socket;
    }

    /** All that the server says until it hangs up; fails where it does not. */
    private static byte[] answer(Socket socket) throws IOException {
        var answer = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(answer);
        } catch (SocketException e) {
            // Cut off with bytes still on their way.
        }
        return answer.toByteArray();
    }

    private static byte[] send(byte[] bytes) throws IOException {
        try (Socket socket = connect()) {
            try {
                socket.getOutputStream().write(bytes);
            } catch (SocketException e) {
                // Cut off before all of it was taken.
            }
            return answer(socket);
        }
    }

    @Test
    void aRequestInTheClearIsRefused() throws Exception {
        String answer = new String(
                send("GET /api/v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n".getBytes(ISO_8859_1)),
                ISO_8859_1);
        assertThat(answer)
                .startsWith("HTTP/1.1 400 ")
                .contains("text/plain", "requires TLS")
                .doesNotContain("Exception", "\tat ");
    }

    /** The first 0, 1, 5, 60 bytes of a good greeting, and then silence. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 60})
    void aHandshakeThatStopsIsCutOff(int bytes) throws Exception {
        long started = System.nanoTime();
        byte[] hello = hello(0x0303, new byte[0]);
        assertThat(send(ByteBuffer.allocate(bytes).put(hello, 0, bytes).array()))
                .hasSizeLessThan(100);
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isGreaterThan(PATIENCE.dividedBy(2));
    }

    @Test
    void oldVersionsAreToldSo() throws Exception {
        for (int version : new int[] {0x0300, 0x0301, 0x0302}) {
            byte[] answer = send(hello(version, new byte[0]));
            assertThat(answer).as("%x", version).hasSize(7);
            assertThat((int) answer[0]).isEqualTo(ALERT);
            assertThat((int) answer[6]).isEqualTo(PROTOCOL_VERSION);
        }
    }

    @Test
    void whatIsNoGreetingIsCutOff() throws Exception {
        Random random = new Random(1);
        for (int size : new int[] {3, 100, 70_000}) {
            byte[] noise = new byte[size];
            random.nextBytes(noise);
            send(noise);
            noise[0] = 0x16;
            noise[1] = 3;
            noise[2] = 1;
            send(noise);
        }
        send(HexFormat.of().parseHex("802e0103010015000000100100800300800600400400800200800000"));
    }

    /** One that says to have 16 MB, and sends as many; and one of a record that is longer than any may be. */
    @Test
    void aHugeGreetingIsCutOff() throws Exception {
        var huge = new ByteArrayOutputStream();
        for (int i = 0; i < 1024; i++) {
            byte[] record = new byte[16 << 10];
            if (i == 0) {
                record[0] = 1;
                record[1] = (byte) 0xff;
                record[2] = (byte) 0xff;
                record[3] = (byte) 0xff;
            }
            huge.writeBytes(record(0x0303, record));
        }
        long started = System.nanoTime();
        assertThat(send(huge.toByteArray())).hasSizeLessThan(100);
        assertThat(send(record(0x0303, new byte[0xffff]))).hasSizeLessThan(100);
        assertThat(send(hello(0x0303, new byte[30_000]))).hasSizeLessThan(10_000);
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofMillis(AT_MOST_MILLIS));
    }

    /** Without a protocol in common a client is refused, or spoken to in the one that there is. */
    @ParameterizedTest
    @ValueSource(strings = {"h2", "spdy/1", "acme-tls/1"})
    void anotherProtocolIsNotSpoken(String protocol) throws Exception {
        try (SSLSocket socket =
                (SSLSocket) trusting.getSocketFactory().createSocket(connect(), "127.0.0.1", port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {protocol});
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            assertThat(socket.getApplicationProtocol()).isEmpty();
            socket.getOutputStream()
                    .write("GET /api/v1/jobs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(ISO_8859_1));
            assertThat(new String(answer(socket), ISO_8859_1)).startsWith("HTTP/1.1 401 ");
        } catch (SSLException e) {
            assertThat(e).hasMessageContaining("protocol");
        }
    }

    /** Half of them in the middle of their handshake, half of them behind it. */
    @Test
    void manyWhoSaySilentKeepNobodyOut() throws Exception {
        List<Socket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < IDLE; i++) {
                Socket socket = connect();
                idle.add(socket);
                if (i % 2 == 0) {
                    socket.getOutputStream().write(hello(0x0303, new byte[0]), 0, 30);
                } else {
                    SSLSocket secured =
                            (SSLSocket) trusting.getSocketFactory().createSocket(socket, "127.0.0.1", port, true);
                    idle.set(i, secured);
                    secured.startHandshake();
                    if (i % 4 == 1) {
                        secured.getOutputStream().write("GET /api/v1/jobs HTTP/1.1\r\nHost:".getBytes(ISO_8859_1));
                    }
                }
            }
            servesOthers();
            for (Socket socket : idle) {
                answer(socket);
            }
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    /** A client that goes away in each place of its handshake. */
    @Test
    void whoGoesAwayIsForgotten() throws Exception {
        byte[] hello = hello(0x0303, new byte[0]);
        for (int i = 0; i < hello.length; i += 7) {
            try (Socket socket = connect()) {
                socket.setSoLinger(true, 0);
                socket.getOutputStream().write(hello, 0, i);
            }
        }
    }

    /** A greeting that a server of TLS understands. */
    private static byte[] hello(int version, byte[] padding) {
        byte[] suites = HexFormat.of().parseHex("c02bc02fc00ac014002f0035");
        ByteBuffer groups = ByteBuffer.allocate(14)
                .putShort((short) 10)
                .putShort((short) 4)
                .putShort((short) 2)
                .putShort((short) 23)
                .putShort((short) 11)
                .putShort((short) 2)
                .putShort((short) 0x0100);
        int extensions = groups.capacity() + (padding.length == 0 ? 0 : 4 + padding.length);
        ByteBuffer body = ByteBuffer.allocate(2 + 32 + 1 + 2 + suites.length + 2 + 2 + extensions)
                .putShort((short) version)
                .put(new byte[32])
                .put((byte) 0)
                .putShort((short) suites.length)
                .put(suites)
                .put((byte) 1)
                .put((byte) 0)
                .putShort((short) extensions)
                .put(groups.array());
        if (padding.length > 0) {
            body.putShort((short) 21).putShort((short) padding.length).put(padding);
        }
        ByteBuffer message = ByteBuffer.allocate(4 + body.capacity())
                .putInt(1 << 24 | body.capacity())
                .put(body.array());
        var records = new ByteArrayOutputStream();
        for (int at = 0; at < message.capacity(); at += 16 << 10) {
            int length = Math.min(16 << 10, message.capacity() - at);
            records.writeBytes(record(
                    version,
                    ByteBuffer.allocate(length).put(message.array(), at, length).array()));
        }
        return records.toByteArray();
    }

    private static byte[] record(int version, byte[] content) {
        return ByteBuffer.allocate(5 + content.length)
                .put((byte) 0x16)
                .putShort((short) version)
                .putShort((short) content.length)
                .put(content)
                .array();
    }
}
