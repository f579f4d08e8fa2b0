package io.octavo.worker.serve;

import io.octavo.engine.serve.ServedModel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.apache.tomcat.util.modeler.Registry;
import org.springframework.util.FileSystemUtils;

/**
 * A model served over HTTP until it is closed. Each call has a virtual thread.
 *
 * <p>The model is borrowed: whoever opened it closes it, after this.
 */
public final class ModelServer implements AutoCloseable {

    private static final int CONNECTIONS = 4096;

    /** Long enough for calls that are looked after to notice, and for their clients to read it. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    private static final Duration KEPT_ALIVE = Duration.ofSeconds(75);

    private final Tomcat tomcat;
    private final Path folder;
    private final ExecutorService threads;
    private final String address;
    private final OpenCalls open;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ModelServer(Tomcat tomcat, Path folder, ExecutorService threads, String address, OpenCalls open) {
        this.tomcat = tomcat;
        this.folder = folder;
        this.threads = threads;
        this.address = address;
        this.open = open;
    }

    /**
     * Returns once calls are taken.
     *
     * @throws IOException if the address or port cannot be listened at
     */
    public static ModelServer start(ServedModel model, ServeSettings settings) throws IOException {
        Registry.disableRegistry();
        Path folder = Files.createTempDirectory("octavo-serve");
        var tomcat = new Tomcat();
        tomcat.setBaseDir(folder.toString());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        WatchedProtocol protocol = protocol(settings, threads);
        tomcat.setConnector(connector(protocol, settings.port()));
        ((StandardHost) tomcat.getHost()).setErrorReportValveClass(JsonErrorValve.class.getName());
        Context context = tomcat.addContext("", folder.toString());
        var meters = new ServeMeters(model);
        var open = new OpenCalls();
        var calls = new ServedCalls(model, settings, meters);
        Tomcat.addServlet(context, "openai", new OpenAiServlet(calls, meters, settings, protocol, open))
                .addMapping("/*");
        var server = new ModelServer(tomcat, folder, threads, settings.address(), open);
        try {
            tomcat.start();
        } catch (LifecycleException e) {
            server.close();
            throw new IOException("cannot listen on port " + settings.port() + " of " + settings.address(), e);
        }
        return server;
    }

    private static WatchedProtocol protocol(ServeSettings settings, ExecutorService threads) throws IOException {
        var protocol = new WatchedProtocol();
        protocol.setAddress(InetAddress.getByName(settings.address()));
        protocol.setExecutor(threads);
        protocol.setMaxConnections(CONNECTIONS);
        // For the head of a request, for each piece of its body, and for each write.
        int patience = Math.toIntExact(settings.patience().toMillis());
        protocol.setConnectionTimeout(patience);
        if (settings.behindService()) {
            // Longer than the service keeps them, so that it never sends on one that is just being closed.
            protocol.setKeepAliveTimeout(Math.toIntExact(KEPT_ALIVE.toMillis()));
        }
        protocol.setDisableUploadTimeout(false);
        protocol.setConnectionUploadTimeout(patience);
        return protocol;
    }

    private static Connector connector(WatchedProtocol protocol, int port) {
        var connector = new Connector(protocol);
        connector.setPort(port);
        connector.setThrowOnFailure(true);
        connector.setXpoweredBy(false);
        // Names of models hold slashes, and clients encode them.
        connector.setEncodedSolidusHandling(EncodedSolidusHandling.DECODE.getValue());
        return connector;
    }

    /** Such as {@code http://127.0.0.1:8000}. */
    public URI uri() {
        String host = address.equals("0.0.0.0") || address.equals("::") ? "127.0.0.1" : address;
        return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + tomcat.getConnector().getLocalPort());
    }

    /** Calls that are still answered end with the error that says so: to be closed before the model. Idempotent. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        open.stop(LAST_WORDS);
        try {
            threads.shutdownNow();
            tomcat.stop();
            tomcat.destroy();
            FileSystemUtils.deleteRecursively(folder);
        } catch (LifecycleException | IOException e) {
            throw new IllegalStateException("the server did not stop in order", e);
        }
    }
}
